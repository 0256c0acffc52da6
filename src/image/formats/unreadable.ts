import { printable } from '../../common/printable.js';
import { brandsOf } from './boxes.js';
import { type Bytes, HeaderError } from './bytes.js';
import type { HeifItems } from './heif-items.js';

/** How a HEIF file's pictures are coded, by the type of its main item. */
const codecs: ReadonlyMap<string, string> = new Map([
  ['hvc1', 'H.265'],
  ['hev1', 'H.265'],
  ['lhv1', 'H.265'],
  ['avc1', 'H.264'],
  ['vvc1', 'H.266'],
  ['evc1', 'EVC'],
  ['j2k1', 'JPEG 2000'],
  ['jpeg', 'JPEG'],
  ['unci', 'uncompressed'],
]);

/** The same by brand, for files whose main item does not say it. */
const brandCodecs: readonly (readonly [pattern: RegExp, codec: string])[] = [
  [/^he[iv][cxms]$/, 'H.265'],
  [/^avc[is]$/, 'H.264'],
  [/^vvi[cs]$/, 'H.266'],
  [/^evb[is]$/, 'EVC'],
  [/^j2[ki][is]$/, 'JPEG 2000'],
  [/^(jpg[es]|jpeg)$/, 'JPEG'],
];

/** Other formats that people meet, by how they begin. */
const beginnings: readonly (readonly [beginning: string, format: string])[] = [
  ['\xff\x0a', 'a JPEG XL picture'],
  ['\0\0\0\x0cJXL ', 'a JPEG XL picture'],
  ['\0\0\0\x0cjP  ', 'a JPEG 2000 picture'],
  ['\xff\x4f\xff\x51', 'a JPEG 2000 picture'],
  ['%PDF', 'a PDF document'],
  ['8BPS', 'a Photoshop document'],
  ['\0\0\x01\0', 'an icon'],
  ['qoif', 'a QOI picture'],
  ['v/1\x01', 'an OpenEXR picture'],
  ['FUJIFILMCCD', "a camera's raw picture"],
  ['\x1aE\xdf\xa3', 'a video'],
];
const textBeginnings: readonly (readonly [beginning: RegExp, format: string])[] = [
  [/^\s*<(\?xml|svg|!--|!DOCTYPE svg)/i, 'an SVG drawing or another XML document'],
  [/^\s*<(html|!DOCTYPE html)/i, 'a web page'],
  [/^P[1-7]\s/, 'a PNM picture'],
  [/^#\?(RADIANCE|RGBE)/, 'a Radiance HDR picture'],
  [/^RIFF....AVI /s, 'a video'],
];

function knownByBeginning(text: string): string | undefined {
  const [, format] =
    beginnings.find(([beginning]) => text.startsWith(beginning)) ??
    textBeginnings.find(([beginning]) => beginning.test(text)) ??
    [];
  return format;
}

/** A format that is known and cannot be read. */
export interface Unreadable {
  /** Fit for "it is ...". */
  readonly format: string;
  /** Where the container could be read, what is in it. */
  readonly compression?: string;
}

/**
 * What a file is that cannot be read; undefined where nothing is known of it.
 * @param items of a HEIF file
 * @throws HeaderError for a readable format without a picture
 */
export function unreadableFormat(file: Bytes, items: HeifItems | undefined): Unreadable | undefined {
  const brands = brandsOf(file);
  if (brands === undefined) {
    const format = knownByBeginning(file.text(0, 64));
    return format === undefined ? undefined : { format };
  }
  const codec = items === undefined ? undefined : codecs.get(codingOf(items));
  if (codec !== undefined) return heif(codec);
  for (const brand of brands) {
    const named = brandCodecs.find(([pattern]) => pattern.test(brand));
    if (named !== undefined) return heif(named[1]);
  }
  if (items !== undefined) return heif(printable(codingOf(items), 8));
  if (brands.has('avif')) throw new HeaderError('it has no picture');
  if (brands.has('crx ')) return { format: "a camera's raw picture (CR3)" };
  if (brands.has('avis') || brands.has('msf1') || brands.has('mif1'))
    return { format: 'a HEIF file without a still picture' };
  return { format: 'a video' };
}

const heif = (compression: string): Unreadable => ({
  format: `a ${compression === 'H.265' ? 'HEIC' : 'HEIF'} picture`,
  compression,
});

/** The type of the main item, or of the tiles that it is made of. */
export function codingOf({ primary, items, parts }: HeifItems): string {
  const [part] = parts.get(primary.id) ?? [];
  return (part === undefined ? undefined : items.get(part)?.type) ?? primary.type;
}
