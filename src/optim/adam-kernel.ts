/*
 * Adam's loop for four numbers at once, in WebAssembly. In JavaScript the square root and the division of double
 * precision take most of an update's time, one element at a time; here they are of single precision, which is also what
 * PyTorch computes in. The arrays stay where they are: blocks that fit the cache are copied in and out.
 */

/** Elements a block; a block of each of the four arrays together fits the second-level cache. */
export const blockSize = 16384;
const blockBytes = blockSize * 4;

/** The numbers of one step; see `adamCoefficients`. */
export interface AdamNumbers {
  readonly beta1: number;
  readonly beta2: number;
  readonly stepSize: number;
  readonly eps: number;
  readonly shrink: number;
  readonly l2: number;
}

/**
 * For every element: g += l2 w; m = beta1 m + (1 - beta1) g; v = beta2 v + (1 - beta2) g g;
 * w = shrink w - stepSize m / (sqrt(v) + eps). In place on weights, first (m) and second (v); all of one length.
 */
export type AdamKernel = (
  weights: Float32Array,
  gradient: Float32Array,
  first: Float32Array,
  second: Float32Array,
  numbers: AdamNumbers,
) => void;

type Run = (...numbers: number[]) => void;

/** Undefined where WebAssembly has no SIMD. */
export function createAdamKernel(): AdamKernel | undefined {
  const bytes = moduleBytes();
  if (typeof WebAssembly === 'undefined' || !WebAssembly.validate(bytes)) return undefined;
  const { exports } = new WebAssembly.Instance(new WebAssembly.Module(bytes));
  const { memory, run } = exports as { memory: WebAssembly.Memory; run: Run };
  const blocks = [0, 1, 2, 3].map((i) => new Float32Array(memory.buffer, i * blockBytes, blockSize));
  const [w, g, m, v] = blocks as [Float32Array, Float32Array, Float32Array, Float32Array];
  return (weights, gradient, first, second, numbers) => {
    const { beta1, beta2, stepSize, eps, shrink, l2 } = numbers;
    for (let start = 0; start < weights.length; start += blockSize) {
      const end = Math.min(weights.length, start + blockSize);
      const size = end - start;
      w.set(weights.subarray(start, end));
      g.set(gradient.subarray(start, end));
      m.set(first.subarray(start, end));
      v.set(second.subarray(start, end));
      run(size * 4, beta1, 1 - beta1, beta2, 1 - beta2, stepSize, eps, shrink, l2);
      weights.set(size === blockSize ? w : w.subarray(0, size), start);
      first.set(size === blockSize ? m : m.subarray(0, size), start);
      second.set(size === blockSize ? v : v.subarray(0, size), start);
    }
  };
}

// A WebAssembly module of one function: run(bytes: i32, eight f32).
const i32 = 0x7f;
const f32 = 0x7d;
const v128 = 0x7b;
const numbersCount = 8;
/** Locals: the parameters, the offset, the parameters as vectors, and w, g, m, v. */
const offset = 1 + numbersCount;
const vector = (parameter: number): number => offset + parameter;
const local = { w: offset + 9, g: offset + 10, m: offset + 11, v: offset + 12 };
const parameter = { beta1: 1, rest1: 2, beta2: 3, rest2: 4, stepSize: 5, eps: 6, shrink: 7, l2: 8 };

/** Unsigned LEB128. */
function leb(value: number): number[] {
  const bytes: number[] = [];
  let rest = value;
  do {
    const more = rest > 0x7f;
    bytes.push((rest & 0x7f) | (more ? 0x80 : 0));
    rest >>>= 7;
  } while (rest > 0);
  return bytes;
}

const get = (index: number): number[] => [0x20, ...leb(index)];
const set = (index: number): number[] => [0x21, ...leb(index)];
const simd = (code: number): number[] => [0xfd, ...leb(code)];
const [splat, sqrt, add, sub, mul, div] = [0x13, 0xe3, 0xe4, 0xe5, 0xe6, 0xe7].map(simd) as [
  number[],
  number[],
  number[],
  number[],
  number[],
  number[],
];
/** Vector of block `index` at the offset; an access is aligned to 2^2 bytes at least. */
const load = (index: number): number[] => [...get(offset), ...simd(0x00), 2, ...leb(index * blockBytes)];
const store = (index: number, value: number): number[] => [
  ...get(offset),
  ...get(value),
  ...simd(0x0b),
  2,
  ...leb(index * blockBytes),
];
const times = (name: keyof typeof parameter): number[] => [...get(vector(parameter[name])), ...mul];

function body(): number[] {
  const { w, g, m, v } = local;
  const splats = Object.values(parameter).flatMap((index) => [...get(index), ...splat, ...set(vector(index))]);
  const step = [
    ...[...load(0), ...set(w)],
    // g + l2 w
    ...[...load(1), ...get(w), ...times('l2'), ...add, ...set(g)],
    // beta1 m + (1 - beta1) g
    ...[...load(2), ...times('beta1'), ...get(g), ...times('rest1'), ...add, ...set(m)],
    // beta2 v + (1 - beta2) g g
    ...[...load(3), ...times('beta2'), ...get(g), ...get(g), ...mul, ...times('rest2'), ...add, ...set(v)],
    // shrink w - stepSize m / (sqrt(v) + eps)
    ...[...get(w), ...times('shrink'), ...get(m), ...times('stepSize')],
    ...[...get(v), ...sqrt, ...get(vector(parameter.eps)), ...add, ...div, ...sub, ...set(w)],
    ...[...store(0, w), ...store(2, m), ...store(3, v)],
    // offset += 16; again while offset < bytes
    ...[...get(offset), 0x41, 16, 0x6a, 0x22, ...leb(offset), ...get(0), 0x49, 0x0d, 0],
  ];
  const locals = [2, ...leb(1), i32, ...leb(numbersCount + 4), v128];
  return [...locals, ...splats, 0x03, 0x40, ...step, 0x0b, 0x0b];
}

function moduleBytes(): Uint8Array<ArrayBuffer> {
  const text = (name: string): number[] => [...leb(name.length), ...[...name].map((letter) => letter.charCodeAt(0))];
  const section = (id: number, content: number[]): number[] => [id, ...leb(content.length), ...content];
  const code = body();
  const pages = Math.ceil((4 * blockBytes) / 65536);
  return Uint8Array.from([
    ...[0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00],
    ...section(1, [1, 0x60, 1 + numbersCount, i32, ...Array<number>(numbersCount).fill(f32), 0]),
    ...section(3, [1, 0]),
    ...section(5, [1, 0x00, ...leb(pages)]),
    ...section(7, [2, ...text('memory'), 0x02, 0, ...text('run'), 0x00, 0]),
    ...section(10, [1, ...leb(code.length), ...code]),
  ]);
}
