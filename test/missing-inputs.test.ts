import assert from 'node:assert/strict';
import { mkdir, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { bundledCheckpoint } from '../src/node/host/bundled-weights.js';
import { temporaryFolder } from '../src/recognize/helpers.test.js';
import { fails, writeClasses } from './support/cli.js';

// What a command reads and is not there: told before anything is made or begun.

const dataset = /There is no dataset folder .*nowhere; check the path/;
const checkpoint = /Cannot read none\.safetensors: there is no such file/;
const pictures = /No class folder in .* holds pictures; add some/;
const bundled = bundledCheckpoint();
const cpu = ['--device', 'cpu'] as const;
const none = ['--checkpoint', 'none.safetensors'] as const;

const cases: readonly (readonly [args: readonly string[], sentence: RegExp])[] = [
  [['train', '--data', 'nowhere', ...cpu], dataset],
  [['train', '--data', 'nowhere', ...cpu, '--out', 'out/run'], dataset],
  [['train', '--data', 'nowhere', ...cpu, '--folds', '2'], dataset],
  [['train', '--data', 'empty', ...cpu, '--out', 'out/run'], pictures],
  [['train', '--data', 'faces', ...cpu, '--init', 'none.safetensors', '--out', 'out/run'], checkpoint],
  [['train', '--data', 'faces', ...cpu, '--teacher', 'none.safetensors'], checkpoint],
  [['train', '--resume', 'none.safetensors'], checkpoint],
  [['ablate', '--data', 'nowhere', '--study', 'window'], dataset],
  [['ablate', '--data', 'empty', '--study', 'window', '--out', 'out'], pictures],
  [
    ['calibrate', '--data', 'nowhere', '--split', 'valid', '--checkpoint', bundled, '--out', 'new.safetensors'],
    dataset,
  ],
  [['calibrate', '--data', 'faces', '--split', 'train', ...none], checkpoint],
  [['rebalance', '--data', 'nowhere', '--checkpoint', bundled, '--out', 'new.safetensors'], dataset],
  [['rebalance', '--data', 'faces', ...none], checkpoint],
  [['evaluate', '--data', 'nowhere', '--csv', 'all.csv'], dataset],
  [['evaluate', '--data', 'faces', ...none, '--csv', 'all.csv'], checkpoint],
  [['evaluate', '--data', 'empty', '--split', 'train', '--corruptions', '--plot', 'all.svg'], pictures],
  [['learn', 'nowhere', ...cpu], dataset],
  [['learn', 'faces/train', ...cpu, ...none], checkpoint],
  [['embed', 'nowhere', '--out', 'out/features.safetensors'], dataset],
  [['embed', 'faces', ...none, '--out', 'out/features.safetensors'], checkpoint],
];

test('a dataset or a checkpoint that is not there is one sentence, and leaves nothing behind', async (t) => {
  const dir = await temporaryFolder(t);
  await writeClasses(join(dir, 'faces', 'train'), ['anger', 'sadness'], 2);
  for (const name of ['anger', 'sadness']) await mkdir(join(dir, 'empty', 'train', name), { recursive: true });
  const before = await readdir(dir, { recursive: true });
  for (const [args, sentence] of cases) {
    await fails(args, dir, 3, sentence);
    assert.deepEqual(await readdir(dir, { recursive: true }), before, args.join(' '));
  }
});
