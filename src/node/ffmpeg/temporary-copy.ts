import { rmSync } from 'node:fs';
import { mkdtemp, open, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { tooManyBytes } from '../../image/checked-header.js';
import { maxFileBytes } from '../../image/picture-limits.js';
import { undoneAtExit } from '../files/ending.js';
import { explainFileError } from '../files/files.js';

/** A file that is there until it is removed, or the process ends. */
export interface TemporaryCopy {
  readonly path: string;
  remove(): Promise<void>;
}

/**
 * Puts bytes into a file, for programs that go back and forth in it.
 * @param name what messages call them
 * @throws UserError for more bytes than a picture's file may have, and where the disk takes no more
 */
export async function temporaryCopy(bytes: AsyncIterable<Uint8Array>, name: string): Promise<TemporaryCopy> {
  const folder = await mkdtemp(join(tmpdir(), 'poster-'));
  const removed = undoneAtExit(() => rmSync(folder, { recursive: true, force: true }));
  const remove = async (): Promise<void> => {
    removed();
    await rm(folder, { recursive: true, force: true });
  };
  const path = join(folder, 'animation');
  try {
    const file = await open(path, 'wx', 0o600);
    try {
      let size = 0;
      for await (const chunk of bytes) {
        size += chunk.length;
        if (size > maxFileBytes) throw tooManyBytes(name);
        await file.writeFile(chunk);
      }
    } finally {
      await file.close();
    }
    return { path, remove };
  } catch (error) {
    await remove();
    throw explainFileError(error, 'write', path);
  }
}
