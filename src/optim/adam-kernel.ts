/*
 * Adam's loop for four numbers at once, in WebAssembly. In JavaScript the square root and the division of double
 * precision take most of an update's time, one element at a time; here they are of single precision, which is also what
 * PyTorch computes in. Arrays in the kernel's own memory are worked on where they lie; of others, blocks that fit the
 * cache are copied in and out, which takes half as long again.
 */
import { itemAt } from '../common/item-at.js';

/** Elements a block; a block of each of the four arrays together fits the second-level cache. */
export const blockSize = 16384;
const blockBytes = blockSize * 4;
const vectorLength = 4;

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

export interface AdamMemory {
  readonly kernel: AdamKernel;
  /** Arrays of zeros in the kernel's memory. */
  readonly arrays: readonly Float32Array<ArrayBuffer>[];
}

type Run = (bytes: number, ...numbers: number[]) => void;

/** What WebAssembly can address. */
const mostPages = 65536;
const pageBytes = 65536;

/**
 * A kernel with `count` arrays of `length` elements in its memory; without them where they are more than it can hold.
 * Undefined where WebAssembly has no SIMD.
 */
export function createAdamKernel(length = 0, count = 0): AdamMemory | undefined {
  const pages = Math.ceil((4 * blockBytes + count * length * 4) / pageBytes);
  if (pages > mostPages) {
    const kernel = createAdamKernel()?.kernel;
    return kernel && { kernel, arrays: Array.from({ length: count }, () => new Float32Array(length)) };
  }
  const bytes = moduleBytes(pages);
  if (typeof WebAssembly === 'undefined' || !WebAssembly.validate(bytes)) return undefined;
  const { exports } = new WebAssembly.Instance(new WebAssembly.Module(bytes));
  const { memory, run } = exports as { memory: WebAssembly.Memory; run: Run };
  const { buffer } = memory;
  if (!(buffer instanceof ArrayBuffer)) throw new Error('WebAssembly memory that is not shared is an ArrayBuffer');
  const block = (index: number): Float32Array => new Float32Array(buffer, index * blockBytes, blockSize);
  const gradients = block(0);
  const guests = [block(1), block(2), block(3)];
  const kernel: AdamKernel = (weights, gradient, first, second, numbers) => {
    const { beta1, beta2, stepSize, eps, shrink, l2 } = numbers;
    const arrays = [weights, first, second];
    for (let start = 0; start < weights.length; ) {
      const rest = Math.min(blockSize, weights.length - start);
      // The loop works on whole vectors: an array's last few elements are guests, so that nothing behind it is touched.
      const size = rest < vectorLength ? rest : rest - (rest % vectorLength);
      const stays = (array: Float32Array): boolean => array.buffer === buffer && size >= vectorLength;
      gradients.set(gradient.subarray(start, start + size));
      const addresses = arrays.map((array, i) => {
        if (stays(array)) return array.byteOffset + start * 4;
        const guest = itemAt(guests, i);
        guest.set(array.subarray(start, start + size));
        return guest.byteOffset;
      });
      run(size * 4, beta1, 1 - beta1, beta2, 1 - beta2, stepSize, eps, shrink, l2, ...addresses);
      arrays.forEach((array, i) => {
        if (!stays(array)) array.set(itemAt(guests, i).subarray(0, size), start);
      });
      start += size;
    }
  };
  const arrays = Array.from({ length: count }, (_, i) => {
    return new Float32Array(buffer, 4 * blockBytes + i * length * 4, length);
  });
  return { kernel, arrays };
}

// A WebAssembly module of one function: run(bytes: i32, eight f32, addresses of w, m and v: i32), for 16 bytes at least.
const i32 = 0x7f;
const f32 = 0x7d;
const v128 = 0x7b;
const numbersCount = 8;
const address = { w: 1 + numbersCount, m: 2 + numbersCount, v: 3 + numbersCount };
/** Locals: the parameters, the offset, the numbers as vectors, and w, g, m, v. */
const offset = 4 + numbersCount;
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
/** At the offset from an address; accesses are aligned to 2^2 bytes at least. */
const at = (base: number): number[] => [...get(offset), ...get(base), 0x6a];
const load = (base: number): number[] => [...at(base), ...simd(0x00), 2, 0];
const loadGradient = [...get(offset), ...simd(0x00), 2, 0];
const store = (base: number, value: number): number[] => [...at(base), ...get(value), ...simd(0x0b), 2, 0];
const times = (name: keyof typeof parameter): number[] => [...get(vector(parameter[name])), ...mul];

function body(): number[] {
  const { w, g, m, v } = local;
  const splats = Object.values(parameter).flatMap((index) => [...get(index), ...splat, ...set(vector(index))]);
  const step = [
    ...[...load(address.w), ...set(w)],
    // g + l2 w
    ...[...loadGradient, ...get(w), ...times('l2'), ...add, ...set(g)],
    // beta1 m + (1 - beta1) g
    ...[...load(address.m), ...times('beta1'), ...get(g), ...times('rest1'), ...add, ...set(m)],
    // beta2 v + (1 - beta2) g g
    ...[...load(address.v), ...times('beta2'), ...get(g), ...get(g), ...mul, ...times('rest2'), ...add, ...set(v)],
    // shrink w - stepSize m / (sqrt(v) + eps)
    ...[...get(w), ...times('shrink'), ...get(m), ...times('stepSize')],
    ...[...get(v), ...sqrt, ...get(vector(parameter.eps)), ...add, ...div, ...sub, ...set(w)],
    ...[...store(address.w, w), ...store(address.m, m), ...store(address.v, v)],
    // offset += 16; again while offset < bytes
    ...[...get(offset), 0x41, 16, 0x6a, 0x22, ...leb(offset), ...get(0), 0x49, 0x0d, 0],
  ];
  const locals = [2, ...leb(1), i32, ...leb(numbersCount + 4), v128];
  return [...locals, ...splats, 0x03, 0x40, ...step, 0x0b, 0x0b];
}

function moduleBytes(pages: number): Uint8Array<ArrayBuffer> {
  const text = (name: string): number[] => [...leb(name.length), ...[...name].map((letter) => letter.charCodeAt(0))];
  const section = (id: number, content: number[]): number[] => [id, ...leb(content.length), ...content];
  const code = body();
  return Uint8Array.from([
    ...[0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00],
    ...section(1, [1, 0x60, 4 + numbersCount, i32, ...Array<number>(numbersCount).fill(f32), i32, i32, i32, 0]),
    ...section(3, [1, 0]),
    ...section(5, [1, 0x00, ...leb(pages)]),
    ...section(7, [2, ...text('memory'), 0x02, 0, ...text('run'), 0x00, 0]),
    ...section(10, [1, ...leb(code.length), ...code]),
  ]);
}
