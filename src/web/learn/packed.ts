import { nextTurn } from '../../common/turns.js';
import type { FloatArray } from '../../safetensors/index.js';

/** Bytes that are copied before others have their turn: a millisecond or two. */
const pieceBytes = 2 ** 20;

/** Copies of arrays in one piece of memory, which another thread is given as a whole. */
export interface PackedArrays {
  readonly arrays: ReadonlyMap<string, FloatArray>;
  readonly buffer: ArrayBuffer;
}

/**
 * Copies arrays into one piece of memory, in turns. A thread receives one piece in no time; it takes many milliseconds to copy all
 * that a message holds at once, and to receive hundreds of pieces.
 * @param arrays must not change meanwhile
 */
export async function packed(arrays: ReadonlyMap<string, FloatArray>): Promise<PackedArrays> {
  const values = [...arrays.values()].reduce((sum, { data }) => sum + data.length, 0);
  const buffer = new ArrayBuffer(values * Float32Array.BYTES_PER_ELEMENT);
  const copies = new Map<string, FloatArray>();
  const piece = pieceBytes / Float32Array.BYTES_PER_ELEMENT;
  let offset = 0;
  let sinceTurn = 0;
  for (const [name, { shape, data }] of arrays) {
    const copy = new Float32Array(buffer, offset, data.length);
    for (let at = 0; at < data.length; at += piece) {
      const part = data.subarray(at, at + piece);
      copy.set(part, at);
      sinceTurn += part.length;
      if (sinceTurn < piece) continue;
      sinceTurn = 0;
      await nextTurn();
    }
    copies.set(name, { shape, data: copy });
    offset += copy.byteLength;
  }
  return { arrays: copies, buffer };
}
