import { basename, dirname, extname, join } from 'node:path';
import { countText } from '../../common/count-text.js';
import { UserError } from '../../common/errors.js';
import { itemAt } from '../../common/item-at.js';
import { pictureName } from '../../common/picture-names.js';
import { printable, shownAddress } from '../../common/printable.js';
import { frameCount } from '../../image/frame-count.js';
import { maxFileBytes } from '../../image/picture-limits.js';
import { animationFormat, isAnimation } from '../../node/ffmpeg/animation.js';
import type { VideoSource } from '../../node/ffmpeg/index.js';
import { contentOf, isVideo, isVideoName, kindBytes, kindOf } from '../../node/ffmpeg/kind.js';
import { note } from '../context.js';
import { type FolderWalk, localPaths, schemeOf } from '../picture-inputs.js';
import { beginningOfStdin, stdinStream } from '../stdin.js';

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
 * @param walk of the folders and globs among them
 * @param animation animations are videos too; where a folder or glob has any, its pictures are passed over
 * @throws UserError where some are videos and some are not, and for addresses of videos.
 */
export async function videoInputs(
  names: readonly string[],
  stream: string | undefined,
  walk: FolderWalk,
  animation = false,
): Promise<readonly VideoInput[] | undefined> {
  if (stream !== undefined) {
    if (names.length > 0) {
      throw new UserError('--stream takes the place of inputs; name one or the other.', 'usage');
    }
    const title = /^\/dev\//.test(stream) ? stream : 'stream';
    return [{ name: shownAddress(stream), title, source: { stream }, live: true }];
  }
  const videos: VideoInput[] = [];
  const passedOver: string[] = [];
  let others = 0;
  for (const name of localPaths(names)) {
    refuseAddress(name);
    const within = await walk.within(name);
    if (within !== undefined) {
      const paths = within.files.map(({ path }) => path);
      const moving = animation ? await animationsOf(paths) : new Set<string>();
      const found = await videosOf(paths, moving);
      const still = paths.filter((path) => pictureName.test(path) && !moving.has(path)).length;
      if (moving.size > 0 && still > 0) {
        note(`${name}: ${countText(still, 'picture')} without animation ${still === 1 ? 'is' : 'are'} skipped.`);
      }
      const hasPictures = still > 0 && moving.size === 0;
      if (found.length === 0 || hasPictures) others++;
      if (hasPictures) passedOver.push(...found);
      else videos.push(...found.map(fromFile));
    } else if (schemeOf(name) !== undefined) {
      others++;
    } else if (await isVideoInput(name, names.length > manyNames, animation)) {
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
      `Some inputs are videos (${itemAt(videos, 0).name}), some are not; recognise them by two commands.`,
      'usage',
    );
  }
  return videos;
}

const fromFile = (path: string): VideoInput => ({ name: path, title: basename(path), source: path, live: false });
const fromStdin = (): VideoInput => ({
  name: 'standard input',
  title: 'standard input',
  source: stdinStream(),
  live: false,
});

/** Of the files of a folder, those that are videos: by their names, except that .ts is TypeScript's too. */
async function videosOf(paths: readonly string[], moving: ReadonlySet<string>): Promise<string[]> {
  const found: string[] = [];
  for (const path of paths) {
    if (moving.has(path)) found.push(path);
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
  return `${what} skipped; for videos type: poster predict '${pattern}'`;
}

/** What is fetched from addresses are pictures. */
function refuseAddress(name: string): void {
  const scheme = schemeOf(name);
  if (scheme === undefined) return;
  const isStream = /^(rtsps?|rtmps?|srt|udp)$/i.test(scheme);
  const isVideoAddress = /^https?$/i.test(scheme) && URL.canParse(name) && isVideoName(new URL(name).pathname);
  if (!isStream && !isVideoAddress) return;
  const shown = printable(shownAddress(name), 4096);
  throw new UserError(
    `${shown} is the address of a video, and it is read as a stream: poster predict --stream ${shown}`,
    'usage',
  );
}

/** Of the pictures of a folder, those that move. Such as cannot be read are told where they are. */
async function animationsOf(paths: readonly string[]): Promise<ReadonlySet<string>> {
  const moving = new Set<string>();
  for (const path of paths) {
    if (pictureName.test(path) && (await isAnimation(path).catch(() => false))) moving.add(path);
  }
  return moving;
}

async function isVideoInput(name: string, trusting: boolean, animation: boolean): Promise<boolean> {
  if (name === '-') return stdinIsVideo(animation);
  return (await isVideo(name, trusting)) || (animation && (await isAnimation(name)));
}

async function stdinIsVideo(animation: boolean): Promise<boolean> {
  if (process.stdin.isTTY) return false;
  const first = (await beginningOfStdin(kindBytes)).subarray(0, kindBytes);
  if (kindOf(first) === 'video') return true;
  if (!animation || animationFormat(first) === undefined) return false;
  // How many frames there are only the whole says.
  return (frameCount(await beginningOfStdin(maxFileBytes)) ?? 1) > 1;
}
