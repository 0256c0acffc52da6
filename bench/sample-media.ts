import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import sharp from 'sharp';

export const portrait = fileURLToPath(new URL('../../assets/astronaut.png', import.meta.url));

/** Where the portrait is put into the photo: side and top left corner, in pixels. */
const positions = [
  { side: 800, left: 40, top: 240 },
  { side: 560, left: 900, top: 60 },
  { side: 400, left: 940, top: 660 },
  { side: 440, left: 1440, top: 520 },
] as const;
export const facesInPhoto = positions.length;

/** A JPEG of 1920x1080 pixels with four faces of different sizes, made from the sample portrait. */
export async function photoOfFaces(): Promise<Buffer> {
  const layers = positions.map(async ({ side, left, top }, i) => ({
    input: await sharp(portrait)
      .resize(side)
      .flop(i % 2 === 1)
      .toBuffer(),
    left,
    top,
  }));
  return sharp({ create: { width: 1920, height: 1080, channels: 3, background: '#7a8088' } })
    .composite(await Promise.all(layers))
    .jpeg({ quality: 90 })
    .toBuffer();
}

export const video = { width: 1280, height: 720, fps: 25, seconds: 12 };

/** Writes a video in which the camera moves over a picture. @returns why it could not, where there is no ffmpeg */
export function writeVideo(picture: string, path: string): string | undefined {
  const { width, height, fps, seconds } = video;
  const along = `t/${seconds}`;
  const moves = `crop=${width}:${height}:(iw-ow)*${along}:(ih-oh)*(0.5+0.5*sin(6.28*${along})),format=yuv420p`;
  const input = ['-loop', '1', '-framerate', String(fps), '-t', String(seconds), '-i', picture];
  const args = ['-v', 'error', '-y', ...input, '-vf', moves, path];
  const { status, error, stderr } = spawnSync('ffmpeg', args, { encoding: 'utf8' });
  if (error) return `no ffmpeg here (${error.message})`;
  return status === 0 ? undefined : `ffmpeg could not make one (${stderr.trim()})`;
}

/** A JPEG of 4000x3000 pixels with 24 faces in rows, made from the sample portrait. */
export async function crowd(): Promise<Buffer> {
  const side = 640;
  const straight = await sharp(portrait).resize(side).toBuffer();
  const turned = await sharp(portrait).resize(side).flop().toBuffer();
  const layers = Array.from({ length: facesInCrowd }, (_, i) => ({
    input: i % 2 === 0 ? straight : turned,
    left: 10 + 666 * (i % 6),
    top: 40 + 740 * Math.floor(i / 6),
  }));
  return sharp({ create: { width: 4000, height: 3000, channels: 3, background: '#7a8088' } })
    .composite(layers)
    .jpeg({ quality: 92 })
    .toBuffer();
}
export const facesInCrowd = 24;
