import { messageOf, UserError } from '../../common/errors.js';
import type { ProgressOptions } from '../../common/load-progress.js';
import { printable } from '../../common/printable.js';
import type { FileDigest } from './bundled-digests.js';
import { addressed, fetchBytes } from './fetch-bytes.js';

/** A file that comes with the package, where a bundler or a server has put it. */
export interface PackageFile extends FileDigest {
  readonly address: URL;
  /** What errors call it. */
  readonly what: string;
  /** The option of loading that names another one. */
  readonly option: string;
}

/** Of the Cache API; each file has its checksum in its key, so that no version of the package takes another's. */
const cacheName = 'poster-v2';

/**
 * The bytes of a file of the package: from the Cache API, or fetched, checked and kept there. What is fetched is whole and of the
 * length that this version of the package has; in a page of https: or of this machine also of its checksum.
 * @throws UserError where it cannot be reached, or another file is there
 */
export async function packageFile(
  file: PackageFile,
  { onProgress }: ProgressOptions = {},
): Promise<Uint8Array<ArrayBuffer>> {
  const cache = await openCache(file);
  const kept = await cache?.read();
  if (kept !== undefined) {
    onProgress?.({ file: file.name, loaded: file.bytes, total: file.bytes });
    return kept;
  }
  const advice = adviceOn(file);
  const bytes = await fetchBytes(file.address, file.what, {
    advice,
    // It answers only if the file is the same: this one's checksum is known, and an older version's may be there.
    cache: 'no-cache',
    limit: { bytes: file.bytes, error: () => otherFile(file, `more than ${file.bytes} bytes`) },
    onProgress: ({ loaded }) => onProgress?.({ file: file.name, loaded, total: file.bytes }),
  });
  if (bytes.length !== file.bytes) throw otherFile(file, `${bytes.length} bytes instead of ${file.bytes}`);
  if (!(await hasDigest(bytes, file))) throw otherFile(file, 'another checksum');
  await cache?.keep(bytes);
  return bytes;
}

const adviceOn = ({ name, option }: PackageFile): string =>
  `serve the file weights/${name} of the package poster-v2 there, or name it by the option ${option}`;

const otherFile = (file: PackageFile, difference: string): UserError =>
  new UserError(
    `${addressed(file.what, file.address)} is not the file of this version of poster-v2 (${difference}); ${adviceOn(file)}.`,
  );

/** Pages of http: have no checksums; there the length must do. */
async function hasDigest(bytes: Uint8Array<ArrayBuffer>, { sha256 }: FileDigest): Promise<boolean> {
  if (!isSecureContext) return true;
  const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', bytes));
  return Array.from(digest, (byte) => byte.toString(16).padStart(2, '0')).join('') === sha256;
}

interface FileCache {
  /** Undefined where the file is not there, or not whole. */
  read(): Promise<Uint8Array<ArrayBuffer> | undefined>;
  keep(bytes: Uint8Array<ArrayBuffer>): Promise<void>;
}

/** Undefined where the browser gives the page none: in pages of http:, in private windows of some. */
async function openCache(file: PackageFile): Promise<FileCache | undefined> {
  if (!isSecureContext || typeof caches === 'undefined') return undefined;
  const cache = await caches.open(cacheName).catch(() => undefined);
  if (cache === undefined) return undefined;
  const folder = `https://poster-v2.invalid/${file.name}/`;
  const key = `${folder}${file.sha256}`;
  return {
    async read() {
      const bytes = await cache
        .match(key)
        .then((response) => response?.arrayBuffer())
        .catch(() => undefined);
      if (bytes === undefined) return undefined;
      const view = new Uint8Array(bytes);
      return (await hasDigest(view, file)) ? view : undefined;
    },
    async keep(bytes) {
      try {
        for (const { url } of await cache.keys()) if (url.startsWith(folder)) await cache.delete(url);
        await cache.put(key, new Response(bytes));
      } catch (error) {
        // Storage is full or forbidden: the next page fetches it again.
        console.info(`${file.what} could not be kept for the next page (${printable(messageOf(error))}).`);
      }
    },
  };
}
