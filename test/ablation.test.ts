import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { z } from 'zod';
import { modelNamed, profile } from '../src/models/index.js';
import { readRun } from '../src/node/report/index.js';
import { fails, start, succeeds, writeClasses } from './support/cli.js';

const comparison = z.object({
  interrupted: z.boolean(),
  runs: z.number(),
  done: z.array(z.object({ arm: z.string(), seed: z.number() })),
  skipped: z.array(z.object({ path: z.string(), reason: z.string() })),
  comparison: z.object({
    differing: z.array(z.string()),
    groups: z.array(
      z.object({
        settings: z.object({ arm: z.string(), directions: z.string() }),
        runs: z.array(z.object({ run: z.string(), seed: z.number(), figures: z.object({ accuracy: z.number() }) })),
      }),
    ),
  }),
});

describe('poster ablate', { concurrency: false }, () => {
  let dir: string;
  before(async () => {
    dir = await mkdtemp(join(tmpdir(), 'poster-ablation-'));
    await writeClasses(join(dir, 'faces', 'train'), ['anger', 'sadness'], 4);
    await writeClasses(join(dir, 'faces', 'valid'), ['anger', 'sadness'], 2);
  });
  after(() => rm(dir, { recursive: true, force: true }));

  const begin = [
    'ablate',
    '--data',
    'faces',
    '--study',
    'two-stream',
    '--model',
    'poster-v1-nano',
    '--val-split',
    'valid',
  ];

  test('stops in the middle, goes on where it was, and compares what its runs say', async () => {
    const more = ['--epochs', '1', '--blocks', '1', '--batch-size', '4', '--seeds', '3', '--out', 'ablation'];
    const how = ['--device', 'cpu', '--threads', '1', '--workers', '0', '--no-tensorboard'];
    const { child, finished } = start([...begin, ...more, ...how], dir);
    // In the second run, whose first epoch is not finished then.
    child.stderr?.on('data', (data: Buffer) => {
      if (/^Run 2 of 2: landmark-to-image, seed 3$/m.test(data.toString())) child.kill('SIGINT');
    });
    const stopped = await finished;
    assert.equal(stopped.code, 130, stopped.stderr);
    assert.match(stopped.stderr, /^Study two-stream on poster-v1-nano: 2 networks, seed 3: 2 runs of 1 epoch\.$/m);
    assert.match(stopped.stdout, /Stopped and saved, 1 of 2 runs to go: poster ablate --resume ablation/);
    const first = join(dir, 'ablation', 'both', 'seed-3', 'last.safetensors');
    const { mtimeMs } = await stat(first);

    const { stdout, stderr } = await succeeds(['ablate', '--resume', 'ablation', '--json', ...how], dir);
    assert.doesNotMatch(stderr, /^Run 1 of 2/m);
    assert.match(stderr, /^Run 2 of 2: landmark-to-image, seed 3$/m);
    assert.equal((await stat(first)).mtimeMs, mtimeMs, 'the finished run is not touched');
    const { interrupted, done, comparison: table } = comparison.parse(JSON.parse(stdout));
    assert.equal(interrupted, false);
    assert.deepEqual(done, [
      { arm: 'both', seed: 3 },
      { arm: 'landmark-to-image', seed: 3 },
    ]);
    assert.deepEqual(table.differing, ['arm', 'directions']);
    assert.deepEqual(
      table.groups.map(({ settings }) => settings),
      [
        { arm: 'both', directions: 'both' },
        { arm: 'landmark-to-image', directions: 'landmark-to-image' },
      ],
    );
    for (const { runs } of table.groups) {
      for (const { run, figures } of runs) {
        assert.equal(figures.accuracy, (await readRun(join(dir, run))).best?.valAccuracy);
      }
    }
    // The same once more trains nothing and says the same.
    const again = await succeeds(['ablate', '--resume', 'ablation/ablation.json', ...how], dir);
    assert.doesNotMatch(again.stderr, /^Run /m);
    assert.match(again.stdout, /^group +arm +directions +runs +best epoch +accuracy %/m);
    assert.match(again.stdout, /^With one seed a difference says little/m);
    await fails([...begin, ...how, '--out', 'ablation'], dir, 2, /already holds an ablation; .*--resume/);
    await fails(
      ['ablate', '--resume', 'ablation', '--epochs', '2'],
      dir,
      2,
      /resumed ablation keeps its options; leave out --epochs/,
    );
  });

  test('what cannot be compared is a sentence, and nothing is begun', async () => {
    const out = ['--out', 'none'];
    await fails(
      [...begin, ...out, '--study', 'window'],
      dir,
      2,
      /no ablation window: it has two-stream, multi-scale; window is of poster-v2, /,
    );
    // A variable of the shell that was never set is not seed 0.
    await fails([...begin, ...out, '--seeds', ''], dir, 2, /'' is invalid\. It must be numbers with commas between/);
    await fails([...begin, ...out, '--seeds', '5,'], dir, 2, /'5,' is invalid\. It must be numbers/);
    await assert.rejects(stat(join(dir, 'none')), { code: 'ENOENT' });
  });

  test("arms of one's own are trained, each with its options", async () => {
    const arms = ['--arm', 'plain', '--arm', 'noisy: --noise 0.05 --label-smoothing 0.1'];
    const run = ['--data', 'faces', '--val-split', 'valid', '--model', 'resnet8', '--epochs', '1', '--batch-size', '4'];
    const how = ['--seeds', '2', '--device', 'cpu', '--threads', '1', '--workers', '0', '--no-tensorboard'];
    const { stdout, stderr } = await succeeds(['ablate', ...run, ...arms, ...how, '--out', 'own', '--json'], dir);
    assert.match(stderr, /^Arms on resnet8: 2 recipes, seed 2: 2 runs of 1 epoch\.$/m);
    assert.match(stderr, /^noisy \(--noise 0\.05 --label-smoothing 0\.1\) +/m);
    const document = z.object({ study: z.null(), comparison: z.object({ differing: z.array(z.string()) }) });
    const table = document.parse(JSON.parse(stdout)).comparison;
    assert.deepEqual(table.differing, ['arm', 'noise', 'labelSmoothing']);
    const settings = z.object({ noise: z.number().nullable(), labelSmoothing: z.number() });
    const noisy = await readRun(join(dir, 'own', 'noisy', 'seed-2'));
    assert.deepEqual(settings.parse(noisy.settings), { noise: 0.05, labelSmoothing: 0.1 });
    await succeeds(['ablate', '--resume', 'own', ...how.slice(2)], dir);
  });

  test('an arm that is none is a sentence', async () => {
    const own = (...arms: readonly string[]): string[] => [
      ...['ablate', '--data', 'faces', '--dry-run'],
      ...arms.flatMap((arm) => ['--arm', arm]),
    ];
    await fails(own('plain', '../up'), dir, 2, /'\.\.\/up' is invalid\. It must be a name, or a name and options/);
    await fails(own('plain', 'odd: --nose 1'), dir, 2, /The arm odd: unknown option '--nose'/);
    await fails(own('plain', 'odd: --noise 7'), dir, 2, /noise/);
    await fails(own('plain', 'odd: 7'), dir, 2, /The arm odd: too many arguments/);
    await fails(own('plain'), dir, 2, /two arms or more/);
    await fails(own('plain', 'odd: --hold-out 0.3'), dir, 2, /The arm odd changes holdOut, which all runs/);
    await fails([...own('plain', 'odd: --train-split more')], dir, 2, /a validation split \(--val-split NAME\)\.$/m);
    await fails(own('plain', 'odd: --teacher-weight 0.5'), dir, 2, /of the arm odd say nothing without a teacher/);
    // Not when the first arm has been trained.
    await fails(own('plain', 'odd: --teacher nowhere.safetensors'), dir, 3, /nowhere\.safetensors/);
    await fails(own('plain', 'odd: --teacher faces/valid/anger/0.png'), dir, 3, /0\.png is no checkpoint/);
    await fails(['ablate', '--data', 'nowhere', '--arm', 'a', '--arm', 'b'], dir, 3, /no dataset folder/);
    await assert.rejects(stat(join(dir, 'runs')), { code: 'ENOENT' });
    await fails([...own('a', 'b'), '--study', 'window'], dir, 2, /Name what to compare/);
  });

  test("a dry run says what would be trained, for the dataset's two classes", async () => {
    const { stdout } = await succeeds([...begin, '--dry-run'], dir);
    const [, trained] = /^both: cross-fusion both ways +([\d,]+) +[\d,]+$/m.exec(stdout) ?? [];
    const { network } = modelNamed('poster-v1-nano');
    const counted = (classes: number): number => profile(network.withClasses(classes)).parameters.trained;
    assert.equal(Number(trained?.replaceAll(',', '')), counted(2));
    assert.notEqual(counted(2), counted(network.config.numClasses));
    assert.match(stdout, /^landmark-to-image: .* \(--directions landmark-to-image\) +[\d,]+ /m);
    await assert.rejects(readFile(join(dir, 'runs', 'ablate-two-stream', 'ablation.json')), { code: 'ENOENT' });
  });
});
