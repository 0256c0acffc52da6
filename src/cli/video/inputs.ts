import { once } from 'node:events';
import { basename } from 'node:path';
import { ExitCode, UserError } from '../../common/errors.js';
import type { VideoSource } from '../../video/index.js';
import { isVideo, kindBytes, kindOf } from '../../video/kind.js';

export interface VideoInput {
  /** What results call it. */
  readonly name: string;
  /** For titles and names of files. */
  readonly title: string;
  readonly source: VideoSource;
  readonly live: boolean;
}

/** Above, files are taken for what they are named. */
const manyNames = 200;

/**
 * The inputs where they are videos; undefined where they are pictures.
 * @throws UserError where some are videos and some are not.
 */
export async function videoInputs(
  names: readonly string[],
  stream: string | undefined,
): Promise<readonly VideoInput[] | undefined> {
  if (stream !== undefined) {
    if (names.length > 0) {
      throw new UserError('--stream takes the place of inputs; name one or the other.', ExitCode.usage);
    }
    const title = /^\/dev\//.test(stream) ? stream : 'stream';
    return [{ name: shownAddress(stream), title, source: { stream }, live: true }];
  }
  const videos: VideoInput[] = [];
  for (const name of names) {
    if (name === '-') {
      if (await stdinIsVideo()) videos.push({ name, title: 'standard input', source: process.stdin, live: false });
    } else if (await isVideo(name, names.length > manyNames)) {
      videos.push({ name, title: basename(name), source: name, live: false });
    }
  }
  if (videos.length === 0) return undefined;
  if (videos.length < names.length) {
    throw new UserError(
      `Some inputs are videos (${videos[0]?.name}), some are not; recognise them by two commands.`,
      ExitCode.usage,
    );
  }
  return videos;
}

function shownAddress(address: string): string {
  return address.replace(/^([a-z]+:\/\/[^/@:]*):[^/@]*@/i, '$1:...@');
}

/** Looks at the first bytes, and puts them back. */
async function stdinIsVideo(): Promise<boolean> {
  const { stdin } = process;
  if (stdin.isTTY) return false;
  let first: Buffer | null = null;
  while (first === null) {
    const chunk: unknown = stdin.read();
    if (Buffer.isBuffer(chunk)) {
      first = chunk;
    } else {
      if (stdin.readableEnded || stdin.destroyed) return false;
      await Promise.race([once(stdin, 'readable'), once(stdin, 'end')]);
      if (stdin.readableEnded) return false;
    }
  }
  stdin.unshift(first);
  return kindOf(first.subarray(0, kindBytes)) === 'video';
}
