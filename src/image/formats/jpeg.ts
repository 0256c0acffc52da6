import { type Bytes, HeaderError } from './bytes.js';
import { cmykSeconds, type PictureHeader } from './header.js';

/** Segments before the pixels. */
const maxSegments = 10_000;
/** Bytes of value 255 in a progressive picture's pixels that are looked at. */
const maxMarkers = 8_000_000;

export const isJpeg = (file: Bytes): boolean => file.text(0, 3) === '\xff\xd8\xff';

/** @throws HeaderError where the header is damaged, or of a kind that is not read */
export function jpegHeader(file: Bytes): PictureHeader {
  let frame: { readonly at: number; readonly progressive: boolean } | undefined;
  for (let at = 2, segment = 0; ; segment++) {
    if (segment > maxSegments) throw new HeaderError(`more than ${maxSegments} segments before its pixels`);
    // Decoders pass over what is no marker, and over several 0xff before one.
    while (file.u8(at) !== 0xff) at++;
    while (file.u8(at + 1) === 0xff) at++;
    const marker = file.u8(at + 1);
    if (marker === 0xda) {
      if (frame === undefined) throw new HeaderError('its pixels come before its size');
      return described(file, frame, at);
    }
    if (marker >= 0xc0 && marker <= 0xcf && ![0xc4, 0xc8, 0xcc].includes(marker)) {
      if (marker > 0xc2) throw new HeaderError('a kind of JPEG that is not read: lossless or arithmetic');
      frame ??= { at: at + 4, progressive: marker === 0xc2 };
    }
    // Restarts, and what stands alone, have no length.
    const alone = marker === 0x01 || (marker >= 0xd0 && marker <= 0xd8);
    at += 2 + (alone ? 0 : Math.max(2, file.u16(at + 2)));
  }
}

function described(
  file: Bytes,
  frame: { readonly at: number; readonly progressive: boolean },
  scan: number,
): PictureHeader {
  const [height, width, components] = [file.u16(frame.at + 1), file.u16(frame.at + 3), file.u8(frame.at + 5)];
  const pixels = width * height;
  // Samples of all components, for each pixel: 3 where colours have the resolution of brightness, 1.5 where half of it.
  const parts = Array.from({ length: components }, (_, i) => file.u8(frame.at + 7 + 3 * i)).map(
    (sampling) => (sampling >> 4) * (sampling & 15),
  );
  const samples = parts.reduce((sum, part) => sum + part, 0) / Math.max(1, ...parts);
  // Several passes are put together in memory, as 16-bit coefficients.
  const inPasses = frame.progressive || file.u8(scan + 4) < components;
  const passes = inPasses ? countPasses(file, scan) : 1;
  return {
    format: 'JPEG',
    width,
    height,
    frames: 1,
    memory: pixels * (components === 4 ? 9 : 5) + (inPasses ? pixels * samples * 2.1 : 0),
    seconds:
      pixels * (components === 4 ? cmykSeconds : 0) +
      pixels * (inPasses ? 4e-9 + samples * (3e-9 + passes * 0.8e-9) : 7e-9) +
      file.length * (inPasses ? 20e-9 : 10e-9),
  };
}

/** How often the picture is gone through, from the first pass on. */
function countPasses({ all }: Bytes, scan: number): number {
  let passes = 0;
  let markers = 0;
  for (let at = scan; at >= 0 && at + 1 < all.length; at = all.indexOf(0xff, at + 1)) {
    if (all[at + 1] === 0xda) passes++;
    if (++markers > maxMarkers) throw new HeaderError('more markers than pixels need');
  }
  return passes;
}
