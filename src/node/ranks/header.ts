import { itemAt } from '../../common/item-at.js';

/**
 * What each rank tells all others at the beginning of everything that they do together, so that nobody waits for what another one does
 * not do. Short arrays of numbers come along.
 */
export interface Header {
  readonly kind: HeaderKind;
  /** How many of these meetings there have been. */
  readonly sequence: number;
  /** Of the array to be summed, in elements; of a document, in bytes. */
  readonly length: number;
  /** The elements themselves, where they are few. */
  readonly elements: Float32Array;
}

const kinds = ['sum', 'documents', 'close', 'failed'] as const;
export type HeaderKind = (typeof kinds)[number];

/** As many elements as come along with a header. */
export const shortLength = 29;
/** Bytes of a header. */
export const headerLength = 4 * (3 + shortLength);

export function encodeHeader({ kind, sequence, length, elements }: Header): Uint8Array {
  const bytes = new Uint8Array(headerLength);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, kinds.indexOf(kind), true);
  view.setUint32(4, sequence, true);
  view.setUint32(8, length, true);
  elements.forEach((value, i) => {
    view.setFloat32(12 + 4 * i, value, true);
  });
  return bytes;
}

/** @throws RangeError for bytes that are no header */
export function decodeHeader(bytes: Uint8Array): Header {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const length = view.getUint32(8, true);
  const isShort = length <= shortLength;
  return {
    kind: itemAt(kinds, view.getUint32(0, true)),
    sequence: view.getUint32(4, true),
    length,
    elements: Float32Array.from({ length: isShort ? length : 0 }, (_, i) => view.getFloat32(12 + 4 * i, true)),
  };
}
