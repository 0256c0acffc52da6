import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { open, stat } from 'node:fs/promises';
import { forEachParallel } from '../../../common/parallel.js';
import type { Sample } from '../dataset.js';

/** System calls at once: each waits for the disk. */
const atOnce = 16;
/** Bytes from the middle of a file that tell most files of one size apart. */
const probeBytes = 64;

/** A picture of the one set, and one of the other with the same bytes. */
export interface SharedPicture {
  readonly path: string;
  readonly other: string;
}

async function sizeOf(path: string): Promise<number | undefined> {
  const info = await stat(path).catch(() => undefined);
  return info?.isFile() === true && info.size > 0 ? info.size : undefined;
}

async function probe(path: string, size: number): Promise<string> {
  const handle = await open(path, 'r');
  try {
    const start = Math.max(0, Math.floor(size / 2) - probeBytes / 2);
    const { bytesRead, buffer } = await handle.read(Buffer.alloc(probeBytes), 0, probeBytes, start);
    return buffer.toString('latin1', 0, bytesRead);
  } finally {
    await handle.close();
  }
}

async function hashOf(path: string): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(path)) hash.update(chunk);
  return hash.digest('base64');
}

/**
 * Keeps those paths of both sides whose key occurs on both. A file that cannot be read is none of them: whoever needs it
 * will say so.
 */
async function sieve(
  sides: readonly [Map<string, string>, Map<string, string>],
  keyOf: (path: string, before: string) => Promise<string | number | undefined>,
  signal: AbortSignal | undefined,
): Promise<[Map<string, string>, Map<string, string>]> {
  const keyed = async (side: ReadonlyMap<string, string>): Promise<Map<string, string>> => {
    const keys = new Map<string, string>();
    await forEachParallel(
      [...side],
      atOnce,
      async ([path, before]) => {
        const key = await keyOf(path, before).catch(() => undefined);
        if (key !== undefined) keys.set(path, `${before} ${key}`);
      },
      signal,
    );
    return keys;
  };
  const [a, b] = [await keyed(sides[0]), await keyed(sides[1])];
  const [inA, inB] = [new Set(a.values()), new Set(b.values())];
  const only = (side: ReadonlyMap<string, string>, other: ReadonlySet<string>): Map<string, string> =>
    new Map([...side].filter(([, key]) => other.has(key)));
  return [only(a, inB), only(b, inA)];
}

/**
 * Pictures of `samples` that `others` hold too, byte for byte, each with one of those, in the order of `samples`. Cheap:
 * only files of the same size are opened, and only those that agree in the middle are read.
 */
export async function sharedPictures(
  samples: readonly Pick<Sample, 'path'>[],
  others: readonly Pick<Sample, 'path'>[],
  signal?: AbortSignal,
): Promise<SharedPicture[]> {
  const start = (side: readonly Pick<Sample, 'path'>[]): Map<string, string> =>
    new Map(side.map(({ path }) => [path, '']));
  let sides: [Map<string, string>, Map<string, string>] = [start(samples), start(others)];
  sides = await sieve(sides, sizeOf, signal);
  sides = await sieve(sides, (path, before) => probe(path, Number(before)), signal);
  const [a, b] = await sieve(sides, hashOf, signal);
  const byHash = new Map([...b].map(([path, hash]) => [hash, path]));
  return samples.flatMap(({ path }) => {
    const other = byHash.get(a.get(path) ?? '');
    return other === undefined ? [] : [{ path, other }];
  });
}
