import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { UserError } from '../common/errors.js';
import { folderWalk, pictureInputs } from './picture-inputs.js';

const refused = (name: string, message: RegExp): Promise<void> =>
  assert.rejects(
    () => pictureInputs([name], folderWalk(false)),
    (error: unknown) => error instanceof UserError && error.kind === 'usage' && message.test(error.message),
  );

test('a file:// address is the path that it means, of a file or of a folder', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'poster inputs #'));
  t.after(() => rm(folder, { recursive: true, force: true }));
  const path = join(folder, 'ä b.png');
  await writeFile(path, '');
  const { inputs } = await pictureInputs([pathToFileURL(path).href, pathToFileURL(folder).href], folderWalk(false));
  assert.deepEqual(inputs, Array(2).fill({ name: path, relativePath: 'ä b.png', image: path }));
});

test('an address is fetched by http or https, and no other way', async () => {
  const { inputs } = await pictureInputs(['HTTPS://example.com/a/b.jpg?size=2'], folderWalk(false));
  assert.deepEqual(
    inputs.map(({ relativePath, image }) => [relativePath, String(image)]),
    [['b.jpg', 'https://example.com/a/b.jpg?size=2']],
  );
  await refused(
    'ftp://example.com/a.jpg',
    /^ftp:\/\/example\.com\/a\.jpg cannot be fetched: its scheme is ftp; give an http or https address, or a file\.$/,
  );
  await refused('s3+x://bucket/a.jpg', /its scheme is s3\+x;/);
  await refused(
    'file://elsewhere/a.jpg',
    /^file:\/\/elsewhere\/a\.jpg names no file of this machine; give its path\.$/,
  );
  await refused('https://exa mple/a.jpg', /is no valid address/);
});
