import assert from 'node:assert/strict';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { UserError } from '../../common/errors.js';
import { runEpochs } from './helpers.test.js';
import { readRun } from './run-folder.js';

const dir = await mkdtemp(join(tmpdir(), 'poster-run-'));
after(() => rm(dir, { recursive: true }));

const line = (event: object): string => `${JSON.stringify(event)}\n`;
const epochs = runEpochs(3).map((epoch) => ({ event: 'epoch', ...epoch }));
const labels = { name: 'two', labels: ['a', 'b'] };

async function folder(name: string, metrics: string, file?: object): Promise<string> {
  const path = join(dir, name);
  await mkdir(path, { recursive: true });
  await writeFile(join(path, 'metrics.jsonl'), metrics);
  if (file !== undefined) await writeFile(join(path, 'run.json'), JSON.stringify(file));
  return path;
}

const refuses = (path: string, sentence: RegExp): Promise<void> =>
  assert.rejects(readRun(path), (error) => error instanceof UserError && sentence.test(error.message));

test('a run with all it records', async () => {
  const path = await folder('whole', epochs.map(line).join(''), { format: 1, run: { epochs: 3, seed: 4 }, labels });
  const run = await readRun(`${path}/`);
  assert.equal(run.name, 'whole');
  assert.deepEqual(run.settings, { epochs: 3, seed: 4 });
  assert.deepEqual(run.labels, ['a', 'b']);
  assert.equal(run.planned, 3);
  assert.equal(run.best?.epoch, 3);
  assert.deepEqual(
    run.epochs.map(({ epoch }) => epoch),
    [1, 2, 3],
  );
});

test('what gave first values is a setting', async () => {
  const init = [
    { part: 'ir50', path: './ir50.pth', taken: [] },
    { part: 'network', path: 'a/best.safetensors' },
  ];
  const file = { format: 1, run: { seed: 4 }, labels, init };
  const { settings } = await readRun(await folder('begun', epochs.map(line).join(''), file));
  assert.deepEqual(settings, { seed: 4, init: 'ir50=ir50.pth a/best.safetensors' });
  const scratch = await readRun(await folder('scratch', epochs.map(line).join(''), { ...file, init: [] }));
  assert.deepEqual(scratch.settings, { seed: 4 });
});

test('a run of an early version, still going on, resumed from before an epoch', async () => {
  const old = epochs.map(({ confusion: _, lrStart: __, valMacroF1: ___, ...epoch }) => epoch);
  const [one, two] = old.map(line);
  const changed = line({ ...old[1], valAccuracy: 0.01, best: false });
  const text = `${line({ event: 'start', run: { epochs: 2 } })}${one}${two}${line({ event: 'resume', run: { epochs: 9 } })}${changed}{"event":"epo`;
  const run = await readRun(await folder('old', text));
  assert.equal(run.planned, 9);
  assert.equal(run.labels, undefined);
  assert.equal(run.epochs.length, 2);
  assert.equal(run.epochs[1]?.valAccuracy, 0.01);
  assert.equal(run.best?.epoch, 1);
  assert.deepEqual(run.sessions, []);
});

test('a run before its first epoch', async () => {
  const run = await readRun(await folder('empty', ''));
  assert.deepEqual([run.epochs.length, run.best, run.planned], [0, undefined, undefined]);
});

test('what is no run, or damaged, is said in a sentence', async () => {
  await refuses(join(dir, 'nowhere'), /nowhere is not a run: there is no such folder; give the folder/);
  await folder('many/one', '');
  await refuses(join(dir, 'many'), /is not a run: it has no metrics\.jsonl; give one of the runs in it: .*many.one\.$/);
  await refuses(join(await folder('file', ''), 'metrics.jsonl'), /is not a run: it is a file/);
  await refuses(await folder('line', `x\n${line({ event: 'start' })}`), /Line 1 of .* is not a training event/);
  await refuses(
    await folder('figure', line({ ...epochs[0], valAccuracy: 'high' })),
    /An epoch in .*metrics\.jsonl cannot be used: at valAccuracy/,
  );
  await refuses(
    await folder('ragged', line({ ...epochs[0], confusion: [[1], [2]] })),
    /at confusion: it is not square/,
  );
  await refuses(
    await folder('other', epochs.map(line).join(''), { run: {}, labels: { name: 'x', labels: ['a', 'b', 'c'] } }),
    /tells of 2 classes in epoch 1, and the run has 3/,
  );
  await refuses(await folder('json', '', { run: 3 }), /run\.json does not have the expected content/);
});
