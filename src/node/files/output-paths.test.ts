import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { link, mkdir, mkdtemp, readdir, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { type ErrorKind, UserError } from '../../common/errors.js';
import { checkOutputFiles, guardInputs, makeFolder, newFolder, removeIfEmpty } from './output-paths.js';

const dir = await mkdtemp(join(tmpdir(), 'poster-outputs-'));
after(() => rm(dir, { recursive: true }));
const at = (...parts: string[]): string => join(dir, ...parts);
const refused =
  (kind: ErrorKind, sentence: RegExp) =>
  (error: unknown): boolean => {
    assert(error instanceof UserError);
    assert.match(error.message, sentence);
    return error.kind === kind;
  };

before(async () => {
  await mkdir(at('in'));
  await writeFile(at('in', 'a.jpg'), 'a');
  await writeFile(at('other.jpg'), 'b');
});

test('no result goes over an input, whatever its path is called', { skip: process.platform === 'win32' }, async () => {
  await symlink('in', at('linked'));
  await link(at('in', 'a.jpg'), at('hard.jpg'));
  const guard = await guardInputs([at('linked', 'a.jpg'), at('missing.jpg')]);
  for (const path of [at('in', 'a.jpg'), at('in', '..', 'linked', 'a.jpg'), at('hard.jpg')]) {
    await assert.rejects(guard('--csv x', path), refused('usage', /^--csv x would write over .*linked.a\.jpg, /));
  }
  await guard('--csv', at('other.jpg'));
  await guard('--csv', at('in', 'new.jpg'));
});

test('no result goes over the weights and the record of a folder that is read, but over older results', async () => {
  await mkdir(at('run', 'onnx'), { recursive: true });
  const kept = ['best.safetensors', 'metrics.jsonl', 'run.json', join('onnx', 'model.onnx')];
  for (const name of [...kept, 'faces.csv', 'features.safetensors']) await writeFile(at('run', name), 'c');
  const guard = await guardInputs([at('run')]);
  for (const name of kept) {
    await assert.rejects(
      guard('--csv x', at('run', name)),
      refused('usage', /^--csv x would write over .*, which is to be read/),
    );
  }
  await guard('--csv', at('run', 'faces.csv'));
  await guard('--out', at('run', 'features.safetensors'));
  await guard('--out', at('run', 'new.safetensors'));
});

test('files to be written are looked at before', async () => {
  const file = (option: string, ...parts: string[]) => ({ option, path: at(...parts) });
  await checkOutputFiles([file('--csv', 'new.csv'), file('--timeline', 'in', 'new.svg')]);
  await assert.rejects(
    checkOutputFiles([file('--csv', 'nowhere', 'new.csv')]),
    refused('input', /the folder .*nowhere does not exist/),
  );
  await assert.rejects(checkOutputFiles([file('--csv', 'in')]), refused('input', /it is a folder/));
  await assert.rejects(
    checkOutputFiles([file('--csv', 'new.svg'), file('--timeline', 'in', '..', 'new.svg')]),
    refused('usage', /^--csv and --timeline both name /),
  );
});

test('folders are made with those above them, or refused', { timeout: 10_000 }, async () => {
  await makeFolder(at('a', 'b', 'c'));
  await makeFolder(at('a', 'b', 'c'));
  assert.equal((await stat(at('a', 'b', 'c'))).isDirectory(), true);
  await assert.rejects(makeFolder(at('other.jpg', 'b')), refused('input', /a part of the path is a file/));
  // The system denies that this folder is there.
  if (existsSync('/proc/self')) {
    await assert.rejects(makeFolder('/proc/x/y'), refused('input', /no folder can be made in \/proc;/));
  }
});

test('of several that make a new folder at once, each gets its own', async () => {
  const above = join(dir, 'runs');
  const made = await Promise.all(Array.from({ length: 8 }, () => newFolder(above, 'nano')));
  const names = (await readdir(above)).sort();
  assert.deepEqual(names, ['nano', ...[2, 3, 4, 5, 6, 7, 8].map((n) => `nano-${n}`)]);
  assert.equal(new Set(made.map(({ path }) => path)).size, 8);
  await writeFile(join(above, 'nano', 'file'), '');
  for (const folder of made) await removeIfEmpty(folder.made);
  assert.deepEqual(await readdir(above), ['nano']);
});
