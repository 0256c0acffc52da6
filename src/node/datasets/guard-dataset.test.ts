import assert from 'node:assert/strict';
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { guardDataset } from './guard-dataset.js';

test('files that a dataset reads are not written over, however they are named; older results may be', async (t) => {
  const dir = await mkdtemp(join(tmpdir(), 'poster-guard-'));
  t.after(() => rm(dir, { recursive: true, force: true }));
  const at = (...parts: string[]): string => join(dir, ...parts);
  await mkdir(at('faces', 'test', '0'), { recursive: true });
  await mkdir(at('elsewhere'));
  const read = ['test/votes.jsonl', 'dataset.json', 'test/0/a.png', 'test/0/b.npy'];
  for (const name of [...read, 'predictions.csv']) await writeFile(at('faces', name), 'x');
  await writeFile(at('elsewhere', 'c.png'), 'x');
  await symlink(at('elsewhere', 'c.png'), at('faces', 'test', '0', 'c.png'));
  await symlink(at('elsewhere'), at('faces', 'valid'));
  await symlink(at('faces'), at('other name'));

  for (const root of [at('faces'), at('other name')]) {
    const guard = guardDataset(root);
    for (const name of [...read, 'test/../test/0/a.png', 'test/0/c.png']) {
      for (const path of [at('faces', name), at('other name', name)]) {
        await assert.rejects(guard('--csv', path), {
          kind: 'usage',
          message: /^--csv would write over .*, a file of the dataset; name another file\.$/,
        });
      }
    }
    await assert.rejects(guard('--plot', join(root, 'valid', 'c.png')), { kind: 'usage' });
    await guard('--csv', at('faces', 'predictions.csv'));
    await guard('--plot', at('faces', 'new.png'));
    await guard('--csv', at('elsewhere', 'c.csv'));
  }
  await guardDataset(at('not there'))('--plot', at('faces', 'test', '0', 'a.png'));
});
