import { fileURLToPath } from 'node:url';
import sharp, { type Sharp } from 'sharp';
import { UserError } from '../../src/common/errors.js';
import { random } from '../../src/common/random.js';
import { frameCount, maxPixels } from '../../src/image/index.js';
import { decodeImage } from '../../src/node/decode/decode-image.js';
import { animatedPng, brands, gifOf, heifOf, u32le } from '../support/containers.js';
import { type Mutation, pick } from './mutations.js';
import { anyBmp, anyGif, anyHeif, anyJpeg, anyPng, anyTiff, anyWebp } from './picture-mutations.js';

export interface PictureKind {
  readonly name: string;
  readonly seeds: readonly Buffer[];
  readonly mutate: Mutation;
}

const side = 48;

/** Pictures of each format, made from the portrait. */
export async function pictureKinds(): Promise<PictureKind[]> {
  const portrait = fileURLToPath(new URL('../../../assets/astronaut-face.png', import.meta.url));
  const { data } = await sharp(portrait).resize(side, side).removeAlpha().raw().toBuffer({ resolveWithObject: true });
  const image = (): Sharp => sharp(data, { raw: { width: side, height: side, channels: 3 } });
  const clear = (): Sharp => image().ensureAlpha(0.5);
  const pngs = [
    image().png(),
    image().png({ progressive: true }),
    clear().png(),
    image().toColourspace('rgb16').png(),
    image().png({ palette: true }),
  ];
  const png = await Promise.all(pngs.map((one) => one.toBuffer()));
  const [first = Buffer.alloc(0)] = png;
  const animation = (): Sharp => sharp([first, ...png.slice(1, 2), first], { join: { animated: true } });
  const all = (...images: readonly Sharp[]): Promise<Buffer[]> => Promise.all(images.map((one) => one.toBuffer()));
  return [
    {
      name: 'JPEG',
      seeds: await all(image().jpeg(), image().jpeg({ progressive: true }), image().toColourspace('cmyk').jpeg()),
      mutate: anyJpeg,
    },
    { name: 'PNG', seeds: png, mutate: anyPng },
    { name: 'APNG', seeds: [animatedPng(first, 3)], mutate: anyPng },
    { name: 'GIF', seeds: [...(await all(image().gif(), animation().gif())), gifOf(3, side, side)], mutate: anyGif },
    {
      name: 'WebP',
      seeds: await all(image().webp(), clear().webp(), image().webp({ lossless: true })),
      mutate: anyWebp(side),
    },
    { name: 'WebP animation', seeds: await all(animation().webp()), mutate: anyWebp(side) },
    {
      name: 'TIFF',
      seeds: await all(
        image().tiff({ compression: 'none' }),
        clear().tiff({ compression: 'lzw' }),
        image().tiff({ compression: 'jpeg' }),
        image().tiff({ compression: 'deflate', tile: true, tileWidth: 16, tileHeight: 16 }),
        animation().tiff(),
      ),
      mutate: anyTiff,
    },
    { name: 'AVIF', seeds: await all(image().avif({ effort: 0 }), clear().avif({ effort: 0 })), mutate: anyHeif },
    {
      name: 'HEIC',
      seeds: [heifOf(brands('heic', 'mif1'), 'hvc1'), heifOf(brands('mif1', 'heic'), 'hvc1')],
      mutate: anyHeif,
    },
    { name: 'BMP', seeds: [bitmapOf(data)], mutate: anyBmp },
  ];
}

function bitmapOf(rgb: Buffer): Buffer {
  const start = Buffer.concat([Buffer.from('BM'), u32le(54 + rgb.length), u32le(0), u32le(54), u32le(40)]);
  const size = Buffer.concat([u32le(side), u32le(side), Buffer.of(1, 0, 24, 0), Buffer.alloc(24)]);
  return Buffer.concat([start, size, rgb]);
}

export type PictureOutcome = 'read' | 'refused';

/**
 * Mutation number `i` of a kind, decoded as pictures of users are.
 * @throws Error when anything happens but a picture within the limits or a sentence for the user
 */
export async function tryPicture(kind: PictureKind, seed: number, i: number): Promise<PictureOutcome> {
  const stream = random(seed, kind.name, i);
  let bytes = pick(stream, kind.seeds);
  for (let n = 1 + stream.int(2); n > 0; n--) bytes = kind.mutate(bytes, stream);
  const frames = frameCount(bytes);
  try {
    const { picture, frames: decodedFrames } = await decodeImage(bytes, { name: 'It', transparency: 'white' });
    const pixels = picture.width * picture.height;
    if (pixels > maxPixels || picture.data.length !== 3 * pixels) throw new Error('not the pixels of its size');
    if (frames === undefined || decodedFrames < frames) throw new Error(`${decodedFrames} frames, not ${frames}`);
    return 'read';
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    if (/\p{Cc}/u.test(error.message) || error.message.length > 2000) {
      throw new Error(`not a sentence for a terminal: ${JSON.stringify(error.message.slice(0, 300))}`);
    }
    return 'refused';
  }
}
