;; One update of Adam on arrays of float32 in the memory of the host, four elements at once.
;; adam-kernel.ts calls it. `node scripts/compile-kernels.mjs` compiles it into adam-kernel-module.ts.
(module
  (import "host" "memory" (memory 1))

  ;; For every element:
  ;;   g := g + l2 w
  ;;   m := beta1 m + (1 - beta1) g
  ;;   v := beta2 v + (1 - beta2) g g
  ;;   w := shrink w - stepSize m / (sqrt(v) + eps)
  ;; $bytes is the length of each array: a multiple of 16, and at least 16.
  (func (export "update")
    (param $bytes i32)
    (param $beta1 f32) (param $oneMinusBeta1 f32)
    (param $beta2 f32) (param $oneMinusBeta2 f32)
    (param $stepSize f32) (param $eps f32) (param $shrink f32) (param $l2 f32)
    ;; Addresses: weights, gradients, first and second moments.
    (param $atW i32) (param $atG i32) (param $atM i32) (param $atV i32)
    (local $offset i32)
    ;; Each number in all four lanes.
    (local $beta1s v128) (local $oneMinusBeta1s v128)
    (local $beta2s v128) (local $oneMinusBeta2s v128)
    (local $stepSizes v128) (local $epss v128) (local $shrinks v128) (local $l2s v128)
    (local $w v128) (local $g v128) (local $m v128) (local $v v128)
    (local.set $beta1s (f32x4.splat (local.get $beta1)))
    (local.set $oneMinusBeta1s (f32x4.splat (local.get $oneMinusBeta1)))
    (local.set $beta2s (f32x4.splat (local.get $beta2)))
    (local.set $oneMinusBeta2s (f32x4.splat (local.get $oneMinusBeta2)))
    (local.set $stepSizes (f32x4.splat (local.get $stepSize)))
    (local.set $epss (f32x4.splat (local.get $eps)))
    (local.set $shrinks (f32x4.splat (local.get $shrink)))
    (local.set $l2s (f32x4.splat (local.get $l2)))
    (loop $elements
      ;; Arrays begin at any multiple of 4 bytes.
      (local.set $w (v128.load align=4 (i32.add (local.get $offset) (local.get $atW))))
      (local.set $g
        (f32x4.add
          (v128.load align=4 (i32.add (local.get $offset) (local.get $atG)))
          (f32x4.mul (local.get $w) (local.get $l2s))))
      (local.set $m
        (f32x4.add
          (f32x4.mul
            (v128.load align=4 (i32.add (local.get $offset) (local.get $atM)))
            (local.get $beta1s))
          (f32x4.mul (local.get $g) (local.get $oneMinusBeta1s))))
      (local.set $v
        (f32x4.add
          (f32x4.mul
            (v128.load align=4 (i32.add (local.get $offset) (local.get $atV)))
            (local.get $beta2s))
          (f32x4.mul (f32x4.mul (local.get $g) (local.get $g)) (local.get $oneMinusBeta2s))))
      (local.set $w
        (f32x4.sub
          (f32x4.mul (local.get $w) (local.get $shrinks))
          (f32x4.div
            (f32x4.mul (local.get $m) (local.get $stepSizes))
            (f32x4.add (f32x4.sqrt (local.get $v)) (local.get $epss)))))
      (v128.store align=4 (i32.add (local.get $offset) (local.get $atW)) (local.get $w))
      (v128.store align=4 (i32.add (local.get $offset) (local.get $atM)) (local.get $m))
      (v128.store align=4 (i32.add (local.get $offset) (local.get $atV)) (local.get $v))
      (local.set $offset (i32.add (local.get $offset) (i32.const 16)))
      (br_if $elements (i32.lt_u (local.get $offset) (local.get $bytes))))))
