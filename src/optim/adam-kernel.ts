/*
 * Adam's loop for four numbers at once, in WebAssembly (adam-kernel.wat). In JavaScript the square root and the division of double
 * precision take most of an update's time, one element at a time; here they are of single precision, which is also what
 * PyTorch computes in. Arrays in the kernel's own memory are worked on where they lie; of others, blocks that fit the
 * cache are copied in and out, which takes half as long again.
 */
import { UserError } from '../common/errors.js';
import { wasm } from './adam-kernel-module.js';

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

/** See adam-kernel.wat. */
type Update = (bytes: number, ...numbersAndAddresses: number[]) => void;

/** What WebAssembly can address. */
const mostPages = 65536;
const pageBytes = 65536;

/**
 * A kernel with `count` arrays of `length` elements in its memory; without them where they are more than it can hold.
 * @throws UserError (kind `device`) where WebAssembly has no SIMD.
 */
export function createAdamKernel(length = 0, count = 0): AdamMemory {
  const pages = Math.ceil((4 * blockBytes + count * length * 4) / pageBytes);
  if (pages > mostPages) {
    const { kernel } = createAdamKernel();
    return { kernel, arrays: Array.from({ length: count }, () => new Float32Array(length)) };
  }
  const memory = new WebAssembly.Memory({ initial: pages });
  const update = instantiate(memory);
  const { buffer } = memory;
  if (!(buffer instanceof ArrayBuffer)) throw new Error('WebAssembly memory that is not shared is an ArrayBuffer');
  const block = (index: number): Float32Array => new Float32Array(buffer, index * blockBytes, blockSize);
  const guests = { gradient: block(0), weights: block(1), first: block(2), second: block(3) };
  const kernel: AdamKernel = (weights, gradient, first, second, numbers) => {
    const { beta1, beta2, stepSize, eps, shrink, l2 } = numbers;
    const scalars = [beta1, 1 - beta1, beta2, 1 - beta2, stepSize, eps, shrink, l2];
    for (let start = 0; start < weights.length; ) {
      const rest = Math.min(blockSize, weights.length - start);
      // The loop works on whole vectors: an array's last few elements are guests, so that nothing behind it is touched.
      const size = rest < vectorLength ? rest : rest - (rest % vectorLength);
      const stays = (array: Float32Array): boolean => array.buffer === buffer && size >= vectorLength;
      const addressOf = (array: Float32Array, guest: Float32Array): number => {
        if (stays(array)) return array.byteOffset + start * 4;
        guest.set(array.subarray(start, start + size));
        return guest.byteOffset;
      };
      const copyBack = (array: Float32Array, guest: Float32Array): void => {
        if (!stays(array)) array.set(guest.subarray(0, size), start);
      };
      const atW = addressOf(weights, guests.weights);
      const atG = addressOf(gradient, guests.gradient);
      const atM = addressOf(first, guests.first);
      const atV = addressOf(second, guests.second);
      update(size * 4, ...scalars, atW, atG, atM, atV);
      copyBack(weights, guests.weights);
      copyBack(first, guests.first);
      copyBack(second, guests.second);
      start += size;
    }
  };
  const arrays = Array.from({ length: count }, (_, i) => {
    return new Float32Array(buffer, 4 * blockBytes + i * length * 4, length);
  });
  return { kernel, arrays };
}

/** The kernel over a memory. */
function instantiate(memory: WebAssembly.Memory): Update {
  const bytes = Uint8Array.from(atob(wasm), (letter) => letter.charCodeAt(0));
  if (!WebAssembly.validate(bytes)) {
    throw new UserError(
      'This machine has no WebAssembly with SIMD, which Adam needs; use a newer runtime, or SGD.',
      'device',
    );
  }
  const { exports } = new WebAssembly.Instance(new WebAssembly.Module(bytes), { host: { memory } });
  return exports['update'] as Update;
}
