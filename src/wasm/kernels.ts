import { UserError } from '../common/errors.js';
import { relaxedWasm, wasm } from './kernels-module.js';

/** How a row is read: see `convolve` in kernels.as. */
export const readings = { pixel: 0, depthwise: 1, depthwiseHalving: 2, patch: 3 } as const;

/** The functions of kernels.as, and the memory that they compute in. Addresses are in bytes. */
export interface Kernels {
  readonly memory: KernelMemory;
  readonly convolve: (
    reading: (typeof readings)[keyof typeof readings],
    above: number,
    middle: number,
    below: number,
    channels: number,
    width: number,
    weights: number,
    scratch: number,
    first: number,
    firstOutputs: number,
    second: number,
    secondOutputs: number,
    residual: number,
    residualStride: number,
    out: number,
    floor: number,
  ) => void;
  readonly interleave: (red: number, green: number, blue: number, width: number, out: number) => void;
  readonly pool: (above: number, below: number, channels: number, width: number, out: number) => void;
  readonly enlarge: (near: number, far: number, other: number, channels: number, width: number, out: number) => void;
}

const pageBytes = 65536;
/** What WebAssembly can address. */
const mostPages = 65536;

/** What memory is for, as the sentence says that there is too little. */
export interface MemoryUse {
  /** Follows "There is no memory of 25 MB". */
  readonly purpose: string;
  /** What the user can do. */
  readonly advice: string;
}

/** Memory of kernels, which grows and never shrinks. */
export class KernelMemory {
  readonly #memory: WebAssembly.Memory;
  readonly #use: MemoryUse;

  constructor(memory: WebAssembly.Memory, use: MemoryUse) {
    this.#memory = memory;
    this.#use = use;
  }

  /**
   * Makes it at least so many bytes long. Views from before may be lost.
   * @param use what they are for; default: the memory's own
   * @throws UserError (kind `resources`) where there is not so much.
   */
  reserve(bytes: number, use = this.#use): void {
    const { byteLength } = this.#memory.buffer;
    if (bytes <= byteLength) return;
    const pages = Math.ceil((bytes - byteLength) / pageBytes);
    try {
      if (byteLength / pageBytes + pages > mostPages)
        throw new RangeError(`${bytes} bytes are more than WebAssembly has`);
      this.#memory.grow(pages);
    } catch (error) {
      throw tooLittle(bytes, use, error);
    }
  }

  /** So many numbers from an address. */
  floats(at: number, length: number): Float32Array<ArrayBuffer> {
    return new Float32Array(this.#buffer, at, length);
  }

  /** So many whole numbers from an address. */
  integers(at: number, length: number): Int32Array<ArrayBuffer> {
    return new Int32Array(this.#buffer, at, length);
  }

  get #buffer(): ArrayBuffer {
    const { buffer } = this.#memory;
    if (!(buffer instanceof ArrayBuffer)) throw new Error('WebAssembly memory that is not shared is an ArrayBuffer');
    return buffer;
  }
}

function tooLittle(bytes: number, { purpose, advice }: MemoryUse, cause: unknown): UserError {
  const megabytes = Math.ceil(bytes / 2 ** 20);
  return new UserError(`There is no memory of ${megabytes} MB ${purpose}; ${advice}.`, 'resources', { cause });
}

/**
 * The fastest kernels that this machine can run; undefined where WebAssembly has no SIMD or is forbidden.
 * @param relaxed whether products and sums may be rounded as the machine does it fastest
 */
export function createKernels(relaxed = true): Kernels | undefined {
  return instantiate<Kernels>(relaxed ? [relaxedWasm, wasm] : [wasm], {
    purpose: 'for the face detector',
    advice: 'close what else needs memory',
  });
}

/**
 * The functions of the first module that this machine can run, with memory of their own; undefined where it can run none, or a page's
 * policy forbids it.
 * @param modules compiled, base64
 */
export function instantiate<K extends { readonly memory: KernelMemory }>(
  modules: readonly string[],
  use: MemoryUse,
): K | undefined {
  // Browsers that are locked down have no WebAssembly at all.
  if (!('WebAssembly' in globalThis)) return undefined;
  const bytes = modules.map(decoded).find((one) => WebAssembly.validate(one));
  if (bytes === undefined) return undefined;
  const module = compiled(bytes);
  if (module === undefined) return undefined;
  const memory = firstPage(use);
  const { exports } = new WebAssembly.Instance(module, { env: { memory } });
  return { ...exports, memory: new KernelMemory(memory, use) } as unknown as K;
}

function firstPage(use: MemoryUse): WebAssembly.Memory {
  try {
    return new WebAssembly.Memory({ initial: 1 });
  } catch (error) {
    throw tooLittle(pageBytes, use, error);
  }
}

/** Undefined where it is not allowed here. */
function compiled(bytes: Uint8Array<ArrayBuffer>): WebAssembly.Module | undefined {
  try {
    return new WebAssembly.Module(bytes);
  } catch (error) {
    // A page's policy: a CompileError, in WebKit an EvalError. Chrome before 115 compiles just 4 KB in a page's own thread: a RangeError.
    const refusals = [WebAssembly.CompileError, EvalError, RangeError];
    if (refusals.some((refusal) => error instanceof refusal)) return undefined;
    throw error;
  }
}

const decoded = (base64: string): Uint8Array<ArrayBuffer> =>
  Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0));
