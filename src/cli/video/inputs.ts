import { basename, dirname, extname, join } from 'node:path';
import { ExitCode, UserError } from '../../common/errors.js';
import { pictureName } from '../../common/picture-names.js';
import { printable, shownAddress } from '../../common/printable.js';
import type { VideoSource } from '../../video/index.js';
import { contentOf, isVideo, isVideoName, kindBytes, kindOf } from '../../video/kind.js';
import { note } from '../context.js';
import { filesWithin } from '../picture-inputs.js';
import { beginningOfStdin } from '../stdin.js';

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
 * The inputs where they are videos; undefined where they are pictures. Folders and globs stand for their pictures; where they
 * have none, for their videos.
 * @param recursive also those of folders within folders
 * @throws UserError where some are videos and some are not, and for addresses of videos.
 */
export async function videoInputs(
  names: readonly string[],
  stream: string | undefined,
  recursive = false,
): Promise<readonly VideoInput[] | undefined> {
  if (stream !== undefined) {
    if (names.length > 0) {
      throw new UserError('--stream takes the place of inputs; name one or the other.', ExitCode.usage);
    }
    const title = /^\/dev\//.test(stream) ? stream : 'stream';
    return [{ name: shownAddress(stream), title, source: { stream }, live: true }];
  }
  const videos: VideoInput[] = [];
  const passedOver: string[] = [];
  let others = 0;
  for (const name of names) {
    refuseAddress(name);
    const within = await filesWithin(name, recursive);
    if (within !== undefined) {
      const found = await videosOf(within.files.map(({ path }) => path));
      const hasPictures = within.files.some(({ path }) => pictureName.test(path));
      if (found.length === 0 || hasPictures) others++;
      if (hasPictures) passedOver.push(...found);
      else videos.push(...found.map(fromFile));
    } else if (/^https?:\/\//i.test(name)) {
      others++;
    } else if (name === '-' ? await stdinIsVideo() : await isVideo(name, names.length > manyNames)) {
      videos.push(name === '-' ? fromStdin() : fromFile(name));
    } else {
      others++;
    }
  }
  if (videos.length === 0) {
    if (passedOver.length > 0) note(passedOverText(passedOver));
    return undefined;
  }
  if (others > 0) {
    throw new UserError(
      `Some inputs are videos (${videos[0]?.name ?? ''}), some are not; recognise them by two commands.`,
      ExitCode.usage,
    );
  }
  return videos;
}

const fromFile = (path: string): VideoInput => ({ name: path, title: basename(path), source: path, live: false });
const fromStdin = (): VideoInput => ({
  name: 'standard input',
  title: 'standard input',
  source: process.stdin,
  live: false,
});

/** Of the files of a folder, those that are videos: by their names, except that .ts is TypeScript's too. */
async function videosOf(paths: readonly string[]): Promise<string[]> {
  const found: string[] = [];
  for (const path of paths) {
    if (!isVideoName(path)) continue;
    if (/\.m?ts$/i.test(path) && (await contentOf(path)) !== 'video') continue;
    found.push(path);
  }
  return found;
}

function passedOverText(paths: readonly string[]): string {
  const [first = ''] = paths;
  const pattern = join(dirname(first), `*${extname(first)}`);
  const what = paths.length === 1 ? `A video (${first}) was` : `${paths.length} videos (${first}, ...) were`;
  return `${what} passed over; for videos type: poster predict '${pattern}'`;
}

/** What is fetched from addresses are pictures. */
function refuseAddress(name: string): void {
  const [scheme] = /^[a-z]+(?=:\/\/)/i.exec(name) ?? [];
  if (scheme === undefined) return;
  const isStream = /^(rtsps?|rtmps?|srt|udp)$/i.test(scheme);
  const isVideoAddress = /^https?$/i.test(scheme) && URL.canParse(name) && isVideoName(new URL(name).pathname);
  if (!isStream && !isVideoAddress) return;
  const shown = printable(shownAddress(name), 4096);
  throw new UserError(
    `${shown} is the address of a video, and it is read as a stream: poster predict --stream ${shown}`,
    ExitCode.usage,
  );
}

async function stdinIsVideo(): Promise<boolean> {
  return !process.stdin.isTTY && kindOf((await beginningOfStdin(kindBytes)).subarray(0, kindBytes)) === 'video';
}
