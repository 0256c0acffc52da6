// What a graph is made of once its nodes are fused: fusion.ts.

import type { Node, Value } from '../graph/index.js';

/** What a product with weights puts out: PReLU of y, the sum with its bias and the residual. */
export interface Weights {
  /** [outputs, inputs of a window]; of convolutions [O, I / groups, k, k] */
  readonly values: Float32Array;
  readonly dims: readonly number[];
  /** Factors of the outputs' weights; undefined: none. */
  readonly scale: Float32Array | undefined;
  readonly bias: Float32Array;
  /** Negative slopes; 1 where nothing is activated. */
  readonly slopes: Float32Array;
}

/** scale x + shift, channel by channel. */
export interface Affine {
  readonly scale: Float32Array;
  readonly shift: Float32Array;
}

export interface ConvolutionTask {
  readonly kind: 'convolution';
  readonly x: Value;
  /** What is done with the input before it is padded. */
  readonly before: Affine | undefined;
  readonly weights: Weights;
  readonly stride: number;
  /** In ONNX's order: top, left, bottom, right. */
  readonly pads: readonly number[];
  readonly groups: number;
  readonly residual: Value | undefined;
  readonly output: Value;
}

export type Task =
  | ConvolutionTask
  | {
      readonly kind: 'linear';
      readonly x: Value;
      readonly weights: Weights;
      readonly residual: Value | undefined;
      readonly output: Value;
    }
  | {
      readonly kind: 'matmul';
      readonly a: Value;
      readonly b: Value;
      readonly residual: Value | undefined;
      readonly output: Value;
    }
  | { readonly kind: 'affine'; readonly x: Value; readonly by: Affine; readonly output: Value }
  | {
      readonly kind: 'layer-norm';
      readonly x: Value;
      readonly by: Affine;
      readonly epsilon: number;
      readonly output: Value;
    }
  /** Over `count` elements each. */
  | {
      readonly kind: 'mean';
      readonly x: Value;
      readonly axes: readonly number[];
      readonly count: number;
      readonly output: Value;
    }
  | { readonly kind: 'node'; readonly node: Node; readonly output: Value };
