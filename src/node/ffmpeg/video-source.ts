import { constants, createReadStream } from 'node:fs';
import { access, stat } from 'node:fs/promises';
import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { messageOf, UserError } from '../../common/errors.js';
import { printable, shownAddress } from '../../common/printable.js';
import { whenAborted } from '../../common/signals.js';
import { explainFileError } from '../files/files.js';
import { animatedPngOptions, animationFormat, webpAsPng, webpTimes } from './animation.js';
import { firstBytesOf, hasOwnClock } from './kind.js';
import type { Probed } from './probed.js';
import { temporaryCopy } from './temporary-copy.js';
import { PassingBytes } from './transport-stream.js';

/**
 * Where a video is: the path of a file, a `file:` URL, the bytes of a file as they come, or a live stream: an address
 * (rtsp, rtsps, rtmp, rtmps, http, https, srt, udp) or a camera (`/dev/video0`).
 */
export type VideoSource = string | URL | AsyncIterable<Uint8Array> | { readonly stream: string };

/** What ffmpeg is told about a source. No text of a user's stands where an option could. */
export interface FfmpegInput {
  /** What messages call it. */
  readonly name: string;
  /** Up to and with `-i`. */
  readonly args: readonly string[];
  readonly bytes?: PassingBytes;
  /** Of a file. */
  readonly path?: string;
  /** It goes on whether we keep up or not. */
  readonly live: boolean;
  /** It can be opened twice, and read from anywhere. */
  readonly file: boolean;
  /** Its times are those of its own clock; otherwise they count from what comes first. */
  readonly ownClock: boolean;
  /** An animation: transparent places are white, and each picture stays for as long as it says. */
  readonly animation: boolean;
  /** Where it is known without ffprobe. */
  readonly probed?: Probed;
  /** To be called once nobody reads it any more. */
  readonly remove?: () => Promise<void>;
}

/**
 * Containers of videos, by ffmpeg's names. Not among them are those that name other files or addresses (playlists, concat
 * scripts, picture sequences, SDP): a file from elsewhere then reads nothing but itself.
 */
const containers =
  'mov,matroska,avi,mpegts,mpeg,mpegvideo,flv,live_flv,asf,ogg,gif,apng,m4v,h264,hevc,ivf,obu,av1,mxf,mxf_opatom,nut,dv,rm,wtv,swf,y4m,yuv4mpegpipe,mjpeg,amv,3gp,nsv,wav,mp3,aac,flac';

/** Frames with more pixels are refused before memory is taken for them: 8192 x 4096, or 8K. ffmpeg holds several at a time. */
export const maxFramePixels = 2 ** 25;
/** Files with more streams are refused: each takes memory, whatever is in it. */
const maxStreams = 100;
/** Of any input. */
const limits = ['-max_streams', String(maxStreams), '-max_pixels', String(maxFramePixels)] as const;

/** What a stream's address may make ffmpeg open; never files of this machine. */
const protocols: Readonly<Record<string, string>> = {
  'http:': 'http,https,tcp,tls,crypto,httpproxy,data',
  'https:': 'http,https,tcp,tls,crypto,httpproxy,data',
  'rtsp:': 'rtp,srtp,udp,tcp,tls,crypto,http,https',
  'rtsps:': 'rtp,srtp,udp,tcp,tls,crypto,http,https',
  'rtmp:': 'rtmp,rtmps,rtmpt,rtmpts,ffrtmphttp,tcp,tls,crypto,http,https',
  'rtmps:': 'rtmp,rtmps,rtmpt,rtmpts,ffrtmphttp,tcp,tls,crypto,http,https',
  'srt:': 'srt,udp',
  'udp:': 'udp',
};

/** @throws UserError where a file is not there, or an address is of a kind that is not read. */
export async function ffmpegInput(source: VideoSource, signal?: AbortSignal): Promise<FfmpegInput> {
  checkSource(source);
  if (typeof source === 'string') return fileInput(source, signal);
  if (source instanceof URL) {
    if (source.protocol !== 'file:') {
      throw new UserError(`${printable(source.href)} is no file; pass a stream as { stream: address }.`, 'usage');
    }
    return fileInput(pathOf(source), signal);
  }
  if ('stream' in source) return streamInput(source.stream);
  const bytes = new PassingBytes(source);
  const name = 'The video';
  const first = await whileWanted(bytes.beginning(), bytes, signal);
  const format = animationFormat(first);
  if (format === 'WebP') return webpInput(name, bytes, () => bytes.destroy());
  if (format === 'GIF' || format === 'PNG') {
    // ffmpeg goes back and forth in them.
    const copying = temporaryCopy(bytes, name);
    try {
      const { path, remove } = await whileWanted(copying, bytes, signal);
      return { ...(await fileInput(path, signal)), name, remove };
    } catch (error) {
      // A copy that is whole by the time nobody wants it any more. One that failed has removed itself.
      copying.then(({ remove }) => remove()).catch(() => undefined);
      throw error;
    }
  }
  return { ...bytesInput(name, bytes), ownClock: hasOwnClock(first), animation: format !== undefined };
}

const webpInput = (name: string, bytes: AsyncIterable<Uint8Array>, onDestroy?: () => void): FfmpegInput => ({
  ...bytesInput(name, new PassingBytes(webpAsPng(bytes, name, maxFramePixels), onDestroy), animatedPngOptions),
  animation: true,
});

function bytesInput(name: string, bytes: PassingBytes, options: readonly string[] = []): FfmpegInput {
  return {
    name,
    args: [
      ...limits,
      ...options,
      ...['-protocol_whitelist', 'pipe,fd', '-format_whitelist', containers, '-i', 'pipe:0'],
    ],
    bytes,
    live: false,
    file: false,
    ownClock: false,
    animation: false,
  };
}

/** Bytes that are read once they are wanted. */
async function* bytesOfFile(path: string): AsyncGenerator<Uint8Array, void, void> {
  yield* createReadStream(path);
}

/** @throws the signal's reason, also while nothing comes */
async function whileWanted<T>(work: Promise<T>, bytes: PassingBytes, signal: AbortSignal | undefined): Promise<T> {
  if (signal === undefined) return work;
  let release: () => void = () => undefined;
  const aborted = new Promise<never>((_, reject) => {
    release = whenAborted(signal, () => {
      bytes.destroy();
      reject(signal.reason);
    });
  });
  return Promise.race([work, aborted]).finally(release);
}

/** Programs without types may pass anything, and bytes in memory are no stream of them. */
function checkSource(source: unknown): void {
  if (typeof source === 'string' || source instanceof URL) return;
  const isObject = typeof source === 'object' && source !== null;
  if (isObject && 'stream' in source && typeof source.stream === 'string') return;
  if (isObject && Symbol.asyncIterator in source) return;
  const isBytes = source instanceof Uint8Array || source instanceof ArrayBuffer || source instanceof Blob;
  throw new UserError(
    `${isBytes ? 'Bytes in memory are' : `A value of type ${source === null ? 'null' : typeof source} is`} no video; pass a path, a file: URL, an async iterable of a file's bytes, or { stream: address }.`,
    'usage',
  );
}

function pathOf(url: URL): string {
  try {
    return fileURLToPath(url);
  } catch (error) {
    throw new UserError(`${printable(url.href)} is no file of this machine (${messageOf(error)}); check the address.`);
  }
}

async function fileInput(path: string, signal: AbortSignal | undefined): Promise<FfmpegInput> {
  try {
    const info = await stat(path);
    if (info.isDirectory()) throw Object.assign(new Error('is a folder'), { code: 'EISDIR' });
    // Programs would wait for what never comes.
    if (!info.isFile()) {
      const isCamera = info.isCharacterDevice();
      const remedy = info.isFIFO() ? 'pipe it to -' : isCamera ? 'give a camera as a stream' : 'name a video file';
      throw new UserError(`Cannot read ${printable(path, 4096)}: it is not a regular file; ${remedy}.`, 'input', {
        settings: isCamera ? ['stream'] : [],
      });
    }
    if (info.size === 0) {
      throw new UserError(`${printable(path, 4096)} is empty (0 bytes); replace it or leave it out.`);
    }
    await access(path, constants.R_OK);
  } catch (error) {
    throw explainFileError(error, 'read', printable(path, 4096));
  }
  const name = printable(path, 4096);
  const first = await firstBytesOf(path);
  const format = first instanceof Uint8Array ? animationFormat(first) : undefined;
  if (format === 'WebP') {
    const probed = await webpTimes(path, name, maxFramePixels, signal);
    return { ...webpInput(name, bytesOfFile(path)), probed };
  }
  const ownClock = first instanceof Uint8Array && hasOwnClock(first);
  const args = [
    ...limits,
    ...(format === 'PNG' ? animatedPngOptions : []),
    '-protocol_whitelist',
    'file',
    '-format_whitelist',
    containers,
    '-i',
    `file:${resolve(path)}`,
  ];
  return { name, args, path, live: false, file: true, ownClock, animation: format !== undefined };
}

function streamInput(address: string): FfmpegInput {
  if (/^\/dev\/video\d+$/.test(address)) {
    return {
      name: `The camera ${address}`,
      args: [...limits, '-f', 'v4l2', '-i', address],
      live: true,
      file: false,
      ownClock: false,
      animation: false,
    };
  }
  const url = URL.canParse(address) ? new URL(address) : undefined;
  const allowed = protocols[url?.protocol ?? ''];
  if (url === undefined || allowed === undefined) {
    throw new UserError(
      `${printable(address)} is no stream that can be read: give an address (rtsp, rtsps, rtmp, rtmps, http, https, srt or udp) or a camera such as /dev/video0.`,
      'usage',
    );
  }
  // UDP loses packets wherever there is a firewall or a wireless link in between.
  const transport = url.protocol.startsWith('rtsp') ? ['-rtsp_transport', 'tcp'] : [];
  // Should we be gone before we can end it, a silent server does not hold it for ever (microseconds).
  const timeout = /^(https?|rtmp)/.test(url.protocol) ? ['-rw_timeout', '60000000'] : [];
  const args = [...limits, ...transport, ...timeout, '-protocol_whitelist', allowed, '-i', url.href];
  return {
    name: `The stream ${printable(shownAddress(url.href), 200)}`,
    args,
    live: true,
    file: false,
    ownClock: false,
    animation: false,
  };
}
