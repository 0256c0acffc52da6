import fs from 'node:fs';
import type { FileHandle } from 'node:fs/promises';
import fsp from 'node:fs/promises';
import { syncBuiltinESMExports } from 'node:module';

/** Stands in for the end of the process: nothing is written after it, not even by whoever cleans up. */
export class Killed extends Error {}

/** Before a change of the disk, after it, or, where bytes are written, in the middle. */
export type Moment = 'before' | 'half' | 'after';

export interface Kills {
  /** Changes of the disk so far, each by what it did and to which file. */
  readonly changes: string[];
  /** The process is killed at the change of this index from now on; from 0. */
  arm(at: number, moment: Moment): void;
  /** A new process begins. */
  revive(): void;
  restore(): void;
}

const nameOf = (path: unknown): string =>
  String(path)
    .replace(/^.*[\\/]/, '')
    .replace(/\.[0-9a-f]{24}\.tmp$/, '.tmp')
    .replace(/tfevents\..*$/, 'tfevents');

/** Counts all that changes the disk through Node's file functions, and kills at one of them. Flushing is left out: it takes long. */
export function watchWrites(): Kills {
  const changes: string[] = [];
  let target = Number.POSITIVE_INFINITY;
  let wanted: Moment = 'before';
  let dead = false;
  /** @returns how much of a change is to be made; throws where none */
  const admit = (what: string): Moment | undefined => {
    if (dead) throw new Killed();
    const index = changes.push(what) - 1;
    if (index !== target) return undefined;
    dead = true;
    if (wanted === 'before') throw new Killed();
    return wanted;
  };
  const original = {
    open: fsp.open,
    rename: fsp.rename,
    unlink: fsp.unlink,
    openSync: fs.openSync,
    writeSync: fs.writeSync,
    unlinkSync: fs.unlinkSync,
  };
  const killing = async (what: string, work: (moment: Moment | undefined) => Promise<void>): Promise<void> => {
    const moment = admit(what);
    await work(moment);
    if (moment !== undefined) throw new Killed();
  };
  const written = (handle: FileHandle, name: string): FileHandle => {
    const { appendFile, writeFile } = handle;
    const writeBytes: (bytes: Uint8Array, offset: number, length: number) => Promise<unknown> =
      handle.write.bind(handle);
    const half = (text: string): string => text.slice(0, text.length / 2);
    Object.assign(handle, {
      write: async (bytes: Uint8Array, offset: number, length: number) => {
        await killing(`write ${name}`, async (moment) => {
          await writeBytes(bytes, offset, moment === 'half' ? Math.floor(length / 2) : length);
        });
        return { bytesWritten: length };
      },
      appendFile: (text: string) =>
        killing(`append ${name}`, (moment) => appendFile.call(handle, moment === 'half' ? half(text) : text)),
      writeFile: (text: string) =>
        killing(`write ${name}`, (moment) => writeFile.call(handle, moment === 'half' ? half(text) : text)),
      truncate: () => killing(`truncate ${name}`, () => Promise.resolve()),
      sync: () => (dead ? Promise.reject(new Killed()) : Promise.resolve()),
    });
    return handle;
  };
  Object.assign(fsp, {
    open: async (path: string, flags?: string) => {
      if (flags === undefined || flags === 'r') {
        // A folder is opened so to be flushed.
        return Object.assign(await original.open(path, flags), { sync: () => Promise.resolve() });
      }
      let handle: FileHandle | undefined;
      await killing(`open ${nameOf(path)}`, async () => {
        handle = await original.open(path, flags);
        if (dead) await handle.close();
      });
      return handle === undefined ? undefined : written(handle, nameOf(path));
    },
    rename: (from: string, to: string) => killing(`rename ${nameOf(to)}`, () => original.rename(from, to)),
    unlink: (path: string) => killing(`unlink ${nameOf(path)}`, () => original.unlink(path)),
  });
  Object.assign(fs, {
    openSync: (path: string, flags: string) => {
      const moment = admit(`open ${nameOf(path)}`);
      const handle = original.openSync(path, flags);
      if (moment === undefined) return handle;
      fs.closeSync(handle);
      throw new Killed();
    },
    writeSync: (handle: number, bytes: Uint8Array, offset: number) => {
      const moment = admit('write tfevents');
      const length = bytes.length - offset;
      original.writeSync(handle, bytes, offset, moment === 'half' ? Math.floor(length / 2) : length);
      if (moment !== undefined) throw new Killed();
      return length;
    },
    unlinkSync: (path: string) => {
      if (dead) throw new Killed();
      original.unlinkSync(path);
    },
  });
  syncBuiltinESMExports();
  return {
    changes,
    arm: (at, moment) => {
      target = at;
      wanted = moment;
    },
    revive: () => {
      dead = false;
      target = Number.POSITIVE_INFINITY;
      changes.length = 0;
    },
    restore: () => {
      const { open, rename, unlink, ...sync } = original;
      Object.assign(fsp, { open, rename, unlink });
      Object.assign(fs, sync);
      syncBuiltinESMExports();
    },
  };
}
