import { outputOf } from './ffmpeg.js';

/** Versions of programs that were asked, as a number: 5.1 is 501. Undefined of those that only say when they were built. */
const known = new Map<string, number | undefined>();

/**
 * What tells ffmpeg to hand frames on as they leave the filters. It would otherwise make a steady rate of them once more: after a
 * change of resolution filters count from the beginning again, and it would leave frames out until they have caught up.
 *
 * @param ffmpeg the program
 * @param input what is to be read, as messages call it
 * @throws UserError where there is no such program; the signal's reason
 */
export async function asFiltered(ffmpeg: string, input: string, signal?: AbortSignal): Promise<readonly string[]> {
  if (!known.has(ffmpeg)) known.set(ffmpeg, versionIn((await outputOf(ffmpeg, ['-version'], input, signal)).text));
  const version = known.get(ffmpeg);
  // The old name goes away. Who builds ffmpeg without a version builds a new one.
  return version !== undefined && version < 501 ? ['-vsync', '0'] : ['-fps_mode', 'passthrough'];
}

/** Of `ffmpeg version n5.1.9-0+deb12u1 Copyright ...`. */
export function versionIn(text: string): number | undefined {
  const [, major, minor] = /^ffmpeg version n?(\d+)\.(\d+)/.exec(text) ?? [];
  return major === undefined ? undefined : 100 * Number(major) + Number(minor);
}
