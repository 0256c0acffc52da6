/** Shared by this room's tests: temporary folders and small pictures. */
import assert from 'node:assert/strict';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { TestContext } from 'node:test';
import sharp from 'sharp';
import { UserError } from '../../common/errors.js';

/** A folder that is gone after the test. */
export async function temporaryFolder(context: TestContext): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'poster-data-'));
  context.after(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

/** A PNG of one colour, 6x5 unless told. */
export async function plainPng(r: number, g: number, b: number, width = 6, height = 5): Promise<Buffer> {
  return await sharp({ create: { width, height, channels: 3, background: { r, g, b } } })
    .png()
    .toBuffer();
}

/** Writes files, making their folders. */
export async function writeTree(root: string, files: Readonly<Record<string, string | Buffer>>): Promise<void> {
  for (const [path, content] of Object.entries(files)) {
    await mkdir(dirname(join(root, path)), { recursive: true });
    await writeFile(join(root, path), content);
  }
}

/** A `.npy` file, version 2 of the format. */
export function npy(descr: string, data: Buffer, shape = ''): Buffer {
  const header = `{'descr': '${descr}', 'fortran_order': False, 'shape': (${shape}), }\n`;
  const start = Buffer.from('\x93NUMPY\x02\0\0\0\0\0', 'latin1');
  start.writeUInt32LE(Buffer.byteLength(header), 8);
  return Buffer.concat([start, Buffer.from(header), data]);
}

/** That it fails with one clear sentence in which all of `parts` occur. */
export async function failsWith(run: () => unknown, ...parts: readonly (string | RegExp)[]): Promise<void> {
  await assert.rejects(
    async () => await run(),
    (error: unknown) => {
      assert.ok(error instanceof UserError, `a UserError, not ${String(error)}`);
      for (const part of parts) {
        if (typeof part === 'string') assert.ok(error.message.includes(part), `'${part}' in: ${error.message}`);
        else assert.match(error.message, part);
      }
      assert.match(error.message, /^[^\n]+\.$/, 'one line that ends with a full stop');
      return true;
    },
  );
}
