import * as z from 'zod';
import { messageOf, UserError } from '../common/errors.js';
import { describeZodError } from '../common/json.js';
import { jsonSize } from '../common/json-size.js';
import { printable } from '../common/printable.js';
import { type Dtype, elementBytes, elementCount, isDtype } from './tensor.js';
import { maxTensors } from './tensor-names.js';

// The format (as published with the `safetensors` library): 8 bytes N, unsigned little-endian; N bytes of JSON that
// begin with `{` and may end in spaces; the tensors' bytes. The JSON maps each name to dtype, shape and data_offsets,
// [begin, end) from the end of the JSON, and the optional `__metadata__` to an object of strings.

/**
 * Longest header accepted. The published library takes six times as much; a network of this project has 0.1 MB, its state
 * of training 0.4 MB.
 */
const maxHeaderBytes = 16 * 1024 * 1024;
/** Numbers, texts, lists and objects in a header: parsed, each takes up to 200 bytes. A tensor is about ten. */
const maxHeaderValues = 1_000_000;
/** Texts in the metadata; ours has three. */
const maxMetadata = 10_000;
/** An entry has two levels; what else other programs put into it is passed over. */
const maxHeaderDepth = 64;
/** Characters of a tensor's name. */
const maxNameLength = 1000;
/** As in PyTorch. */
const maxDimensions = 64;
/** What we write begins its data at a multiple of this many bytes of the file: a cache line, ample for every dtype. */
const dataAlignment = 64;
/** Bytes of the header length before the JSON. */
export const prefixBytes = 8;
/** What fills the JSON up to the data: a space in ASCII. */
const space = 0x20;

/** Where a tensor lies in its file. */
export interface TensorEntry {
  readonly dtype: Dtype;
  readonly shape: readonly number[];
  /** In bytes from the start of the file, as ONNX external data wants it. */
  readonly offset: number;
  readonly byteLength: number;
}

/** The table of contents of a safetensors file. Tensors are in the order in which they lie in the file. */
export interface SafetensorsHeader {
  readonly metadata: ReadonlyMap<string, string>;
  readonly tensors: ReadonlyMap<string, TensorEntry>;
}

const entrySchema = z.object({
  dtype: z.string(),
  shape: z.array(z.int().nonnegative()),
  data_offsets: z.tuple([z.int().nonnegative(), z.int().nonnegative()]),
});
const metadataSchema = z.record(z.string(), z.string());

const mend = 'download or save it again';

function unusable(source: string, problem: string): UserError {
  return new UserError(`${source} is not a usable safetensors file: ${problem}; ${mend}.`);
}

/** Names what a file without a plausible header is instead, for the mix-ups that happen. */
function guessKind(prefix: Uint8Array): string | undefined {
  const text = String.fromCharCode(...prefix);
  if (text.startsWith('PK\x03\x04')) return 'a zip archive, such as a PyTorch checkpoint (.pth)';
  if (text.startsWith('\x80\x02')) return 'a Python pickle, such as an old PyTorch checkpoint (.pth)';
  if (text.startsWith('version ')) return 'a Git LFS pointer instead of the file itself';
  if (/^\s*</.test(text)) return 'a web page instead of the file itself';
  return undefined;
}

/**
 * The length of the JSON header from the first 8 bytes, checked against the file's size before anything is allocated.
 * @throws UserError when the file is no safetensors file or cut off inside its header.
 */
export function parseHeaderLength(prefix: Uint8Array, fileBytes: number, source: string): number {
  if (fileBytes === 0) throw unusable(source, 'it is empty');
  if (fileBytes < prefixBytes) throw unusable(source, `it has only ${fileBytes} bytes`);
  const view = new DataView(prefix.buffer, prefix.byteOffset, prefix.byteLength);
  const length = view.getBigUint64(0, true);
  if (length > BigInt(Math.min(maxHeaderBytes, fileBytes - prefixBytes))) {
    const kind = guessKind(prefix);
    if (kind !== undefined) throw new UserError(`${source} is not a safetensors file but ${kind}.`);
    const claim = `its header claims ${length} bytes of a file of ${fileBytes} bytes`;
    throw unusable(
      source,
      length > BigInt(maxHeaderBytes) ? `${claim}, and ${maxHeaderBytes} are read at most` : claim,
    );
  }
  return Number(length);
}

/**
 * First key that an object at nesting depth 1 or 2 holds twice. `JSON.parse` keeps the last one in silence, other
 * readers the first: two programs would see different weights. `text` must be valid JSON.
 */
function findDuplicateKey(text: string): string | undefined {
  const keysByDepth = [new Set<string>(), new Set<string>()];
  let depth = 0;
  for (let i = 0; i < text.length; i++) {
    const character = text[i];
    if (character === '{' || character === '[') {
      depth++;
      keysByDepth[depth - 1]?.clear();
    } else if (character === '}' || character === ']') {
      depth--;
    } else if (character === '"') {
      const start = i++;
      while (text[i] !== '"') i += text[i] === '\\' ? 2 : 1;
      let next = i + 1;
      while (/\s/.test(text[next] ?? '')) next++;
      const keys = keysByDepth[depth - 1];
      if (text[next] !== ':' || keys === undefined) continue;
      const key: unknown = JSON.parse(text.slice(start, i + 1));
      if (typeof key !== 'string') continue;
      if (keys.has(key)) return key;
      keys.add(key);
    }
  }
  return undefined;
}

/** What text of a few bytes becomes in memory is much more. */
function checkSize(json: Uint8Array, source: string): void {
  const { depth, values } = jsonSize(json);
  if (depth > maxHeaderDepth) throw unusable(source, `its header is nested deeper than ${maxHeaderDepth} levels`);
  if (values > maxHeaderValues) throw unusable(source, `its header has more than ${maxHeaderValues} values`);
}

function parseJsonObject(json: Uint8Array, source: string): object {
  checkSize(json, source);
  let text: string;
  let value: unknown;
  try {
    // ignoreBOM keeps a byte order mark in the text, where JSON.parse refuses it as the format does.
    text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(json);
    value = JSON.parse(text);
  } catch (error) {
    throw unusable(source, `its header is not JSON (${printable(messageOf(error), 80)})`);
  }
  if (typeof value !== 'object' || value === null || !text.startsWith('{')) {
    throw unusable(source, 'its header is not a JSON object');
  }
  const duplicate = findDuplicateKey(text);
  if (duplicate !== undefined) throw unusable(source, `its header has "${printable(duplicate)}" twice`);
  return value;
}

function parseEntry(name: string, value: unknown, dataStart: number, source: string): TensorEntry {
  const called = `tensor "${printable(name)}"`;
  if (name.length > maxNameLength) throw unusable(source, `${called} has a name of ${name.length} characters`);
  const parsed = entrySchema.safeParse(value);
  if (!parsed.success) throw unusable(source, `${called} is described wrongly (${describeZodError(parsed.error)})`);
  const { dtype, shape } = parsed.data;
  const [begin, end] = parsed.data.data_offsets;
  if (shape.length > maxDimensions) throw unusable(source, `${called} has ${shape.length} dimensions`);
  if (!isDtype(dtype)) {
    const known = Object.keys(elementBytes).filter(isDtype).join(', ');
    throw new UserError(
      `${source} cannot be read: ${called} has data type "${printable(dtype, 20)}", not one of ${known}.`,
    );
  }
  const byteLength = elementCount(shape) * elementBytes[dtype];
  if (!Number.isSafeInteger(byteLength)) throw unusable(source, `${called} has an impossibly large shape`);
  if (end - begin !== byteLength) {
    throw unusable(source, `${called} of ${byteLength} bytes is said to lie in bytes ${begin} to ${end}`);
  }
  return { dtype, shape, offset: dataStart + begin, byteLength };
}

/**
 * Reads a header from outside. Every tensor lies inside the file, none overlaps another, and together they fill the
 * data without gaps or rest, so that nothing hides in a file and a truncated one is noticed.
 * @param json the header's bytes, `parseHeaderLength` of them
 * @param fileBytes size of the whole file
 * @throws UserError naming `source` and what is wrong.
 */
export function parseHeader(json: Uint8Array, fileBytes: number, source: string): SafetensorsHeader {
  const dataStart = prefixBytes + json.byteLength;
  const metadata = new Map<string, string>();
  const entries: [string, TensorEntry][] = [];
  for (const [name, value] of Object.entries(parseJsonObject(json, source))) {
    if (name !== '__metadata__') {
      entries.push([name, parseEntry(name, value, dataStart, source)]);
      continue;
    }
    const count = typeof value === 'object' && value !== null ? Object.keys(value).length : 0;
    if (count > maxMetadata) throw unusable(source, `its metadata has ${count} entries`);
    const parsed = metadataSchema.safeParse(value);
    if (!parsed.success)
      throw unusable(source, `its metadata is not made of strings (${describeZodError(parsed.error)})`);
    for (const [key, text] of Object.entries(parsed.data)) metadata.set(key, text);
  }
  if (entries.length > maxTensors) {
    throw unusable(source, `it has ${entries.length} tensors, and ${maxTensors} are read at most`);
  }
  entries.sort(([, a], [, b]) => a.offset - b.offset || a.byteLength - b.byteLength);
  let position = dataStart;
  for (const [name, { offset, byteLength }] of entries) {
    if (offset !== position) {
      const what = offset < position ? 'overlaps the one before it' : 'leaves a gap before it';
      throw unusable(source, `tensor "${printable(name)}" ${what}`);
    }
    position += byteLength;
  }
  if (position > fileBytes) throw unusable(source, `it is truncated, ${fileBytes} of ${position} bytes are there`);
  if (position < fileBytes) throw unusable(source, `${fileBytes - position} bytes follow the last tensor`);
  return { metadata, tensors: new Map(entries) };
}

/** What `formatHeader` needs of a tensor. */
export interface HeaderItem {
  readonly name: string;
  readonly dtype: Dtype;
  readonly shape: readonly number[];
  readonly byteLength: number;
}

/**
 * The length and the JSON of a header whose tensors follow each other in the order given. Throws an Error on misuse.
 * @throws UserError where the format has no such data type.
 */
export function formatHeader(items: readonly HeaderItem[], metadata: ReadonlyMap<string, string>): Uint8Array {
  const parts: string[] = [];
  // Objects would reorder names such as "0": the text is put together by hand.
  const member = (key: string, value: string): string => `${JSON.stringify(key)}:${value}`;
  if (metadata.size > 0) {
    parts.push(member('__metadata__', `{${[...metadata].map(([k, v]) => member(k, JSON.stringify(v))).join(',')}}`));
  }
  let position = 0;
  for (const { name, dtype, shape, byteLength } of items) {
    if (name === '__metadata__') throw new Error('A tensor cannot be called __metadata__.');
    if (!isDtype(dtype)) {
      throw new UserError(
        `Tensor "${printable(name)}" holds ${dtype} values, for which safetensors has no type: leave it out, or convert it with PyTorch first.`,
      );
    }
    if (elementCount(shape) * elementBytes[dtype] !== byteLength) {
      throw new RangeError(`Tensor "${name}" [${shape.join(', ')}] of ${dtype} does not fill ${byteLength} bytes.`);
    }
    const end = position + byteLength;
    parts.push(member(name, JSON.stringify({ dtype, shape, data_offsets: [position, end] })));
    position = end;
  }
  const json = new TextEncoder().encode(`{${parts.join(',')}}`);
  const total = Math.ceil((prefixBytes + json.byteLength) / dataAlignment) * dataAlignment;
  if (total - prefixBytes > maxHeaderBytes) throw new RangeError('The header is longer than the format allows.');
  const bytes = new Uint8Array(total).fill(space);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(total - prefixBytes), true);
  bytes.set(json, prefixBytes);
  return bytes;
}
