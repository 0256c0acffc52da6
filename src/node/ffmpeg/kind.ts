import { open, stat } from 'node:fs/promises';
import { extname } from 'node:path';
import { pictureName } from '../../common/picture-names.js';
import { pictureFormat } from '../../image/picture-header.js';

/** Bytes that tell what kind of file one is. */
export const kindBytes = 400;

const videoName =
  /^\.(mp4|m4v|mov|qt|mkv|webm|avi|mpe?g|m2v|ts|mts|m2ts|flv|wmv|asf|ogv|3gp|3g2|mxf|vob|ivf|y4m|nut|dv|rm|rmvb)$/i;

/** What the first bytes of a file say it is; undefined where they say nothing that is known here. */
export function kindOf(bytes: Uint8Array): 'video' | 'picture' | undefined {
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1');
  const at = (start: number, pattern: string): boolean => text.startsWith(pattern, start);
  if (at(4, 'ftyp'))
    return /^(avif|avis|heic|heix|hevc|heim|heis|mif1|msf1|jxl )/.test(text.slice(8)) ? 'picture' : 'video';
  // The last two are JPEG XL's.
  if (pictureFormat(bytes) !== undefined || at(0, '\0\0\0\x0cJXL') || at(0, '\xff\x0a')) return 'picture';
  if (at(0, 'RIFF')) return at(8, 'AVI') ? 'video' : undefined;
  if (
    ['\x1a\x45\xdf\xa3', 'FLV\x01', 'OggS', '\x30\x26\xb2\x75', '\0\0\x01\xba', '\0\0\x01\xb3'].some((m) => at(0, m))
  ) {
    return 'video';
  }
  if (['DKIF', 'YUV4MPEG2 ', '\x06\x0e\x2b\x34', '.RMF', 'nut/multimedia'].some((m) => at(0, m))) return 'video';
  if (['moov', 'mdat', 'wide', 'skip', 'free', 'pnot'].some((m) => at(4, m))) return 'video';
  // Packets of MPEG transport streams, also with four bytes of time before each.
  if (at(0, '\x47') && at(188, '\x47')) return 'video';
  if (at(4, '\x47') && at(196, '\x47')) return 'video';
  return undefined;
}

/**
 * Whether a file says at which time of a clock of its own its pictures are, as MP4, MOV, Matroska and WebM do: pictures that begin
 * late then do so also where nothing comes before them. The clocks of other kinds began at any time, such as hours ago.
 */
export function hasOwnClock(bytes: Uint8Array): boolean {
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1', 0, 8);
  return /^(ftyp|moov|mdat|wide|skip|free|pnot)/.test(text.slice(4)) || text.startsWith('\x1a\x45\xdf\xa3');
}

/**
 * Whether a file is a video: by what it holds, and by its name where that says nothing.
 * @param trusting a file that is named as a picture is not opened
 */
export async function isVideo(path: string, trusting = false): Promise<boolean> {
  if (trusting && pictureName.test(path)) return false;
  const found = await contentOf(path);
  return found === undefined ? isVideoName(path) : found === 'video';
}

/** Whether a name, of a file or in an address, is that of a video. */
export const isVideoName = (name: string): boolean => videoName.test(extname(name));

/** What a file holds, by its first bytes; undefined where they say nothing that is known here. */
export async function contentOf(path: string): Promise<ReturnType<typeof kindOf> | 'folder'> {
  const bytes = await firstBytesOf(path);
  return bytes instanceof Uint8Array ? kindOf(bytes) : bytes;
}

/** Undefined where there is no file that can be read: whoever reads it says what is wrong. */
export async function firstBytesOf(path: string): Promise<Uint8Array | 'folder' | undefined> {
  try {
    // Opening a pipe or a device could wait forever.
    const before = await stat(path);
    if (!before.isFile()) return before.isDirectory() ? 'folder' : undefined;
    const handle = await open(path, 'r');
    try {
      const { buffer, bytesRead } = await handle.read(new Uint8Array(kindBytes), 0, kindBytes, 0);
      return buffer.subarray(0, bytesRead);
    } finally {
      await handle.close();
    }
  } catch {
    return undefined;
  }
}
