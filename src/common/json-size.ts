/** How much a JSON text holds. */
export interface JsonSize {
  /** Levels of lists and objects within each other. */
  readonly depth: number;
  /** Numbers, texts, lists, objects and their keys, about: commas, colons and opening brackets. */
  readonly values: number;
}

const [quote, backslash, comma, colon] = [0x22, 0x5c, 0x2c, 0x3a];
const opening = new Set([0x5b, 0x7b]);
const closing = new Set([0x5d, 0x7d]);

/** Looks at a JSON text before it is parsed: what takes two bytes as text takes up to two hundred in memory. */
export function jsonSize(json: Uint8Array): JsonSize {
  let [depth, deepest, values] = [0, 0, 0];
  for (let i = 0; i < json.length; i++) {
    const byte = json[i];
    if (byte === undefined) break;
    if (byte === quote) {
      for (i++; i < json.length && json[i] !== quote; i++) if (json[i] === backslash) i++;
    } else if (byte === comma || byte === colon) values++;
    else if (opening.has(byte)) {
      values++;
      deepest = Math.max(deepest, ++depth);
    } else if (closing.has(byte)) depth--;
  }
  return { depth: deepest, values };
}
