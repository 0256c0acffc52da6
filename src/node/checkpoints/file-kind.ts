/** Formats that weights are read from. */
export type CheckpointFormat = 'safetensors' | 'pth-zip' | 'pth-legacy';

/** Bytes from a file's start that {@link sniff} looks at. */
export const sniffBytes = 512;

const startings: readonly (readonly [start: string, what: string])[] = [
  ['version https://git-lfs', 'a Git LFS pointer instead of the file itself: fetch it with git lfs pull'],
  ['\x89PNG', 'a PNG picture'],
  ['\xff\xd8\xff', 'a JPEG picture'],
  ['GIF8', 'a GIF picture'],
  ['%PDF', 'a PDF document'],
  ['\x1f\x8b', 'a gzip archive: unpack it first'],
  ['BZh', 'a bzip2 archive: unpack it first'],
  ['\xfd7zXZ', 'an xz archive: unpack it first'],
  ['7z\xbc\xaf', 'a 7-Zip archive: unpack it first'],
  ['Rar!', 'a RAR archive: unpack it first'],
  ['\x89HDF', 'an HDF5 file, such as a Keras model'],
  ['\x93NUMPY', 'a NumPy array'],
  ['GGUF', 'a GGUF file'],
  ['\x7fELF', 'a program'],
  ['MZ', 'a program'],
];

/** A pickle of protocol 2 to 5, or the magic number of old files in protocols 0 and 1. */
const pickleStarts = ['\x80\x02', '\x80\x03', '\x80\x04', '\x80\x05', 'L119547037146038801333356L'];

/** What a file is, from its first bytes: a format, or words for something else; `undefined` where nothing can be told. */
export function sniff(
  start: Uint8Array,
): { readonly format: CheckpointFormat } | { readonly other: string } | undefined {
  const text = Buffer.from(start).toString('latin1');
  if (text.length === 0) return { other: 'an empty file' };
  const begins = (starts: readonly string[]): boolean => starts.some((one) => text.startsWith(one));
  if (begins(['PK\x03\x04', 'PK\x05\x06'])) return { format: 'pth-zip' };
  if (begins(pickleStarts)) return { format: 'pth-legacy' };
  if (text[8] === '{' && text.slice(4, 8) === '\0\0\0\0') return { format: 'safetensors' };
  if (/^(\xef\xbb\xbf)?\s*<(!doctype|html|head|body|\?xml|!--)/i.test(text)) {
    return { other: 'a web page instead of the file itself, such as a notice about a download quota' };
  }
  if (text.slice(257, 262) === 'ustar') return { other: 'a tar archive: unpack it first' };
  const known = startings.find(([bytes]) => text.startsWith(bytes));
  if (known !== undefined) return { other: known[1] };
  if (start.every((byte) => byte === 0)) return { other: 'full of zeros, as an aborted download leaves it' };
  if (/^\s*[[{]/.test(text)) return { other: 'a JSON document' };
  if (/^[\t\n\r\x20-\x7e]+$/.test(text)) return { other: 'a text file' };
  return undefined;
}
