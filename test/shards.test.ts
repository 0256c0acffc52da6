import assert from 'node:assert/strict';
import { copyFile, mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import type { Command } from 'commander';
import sharp from 'sharp';
import { embedCommand } from '../src/cli/commands/embed.js';
import { evaluateCommand } from '../src/cli/commands/evaluate.js';
import { mergeCommand } from '../src/cli/commands/merge.js';
import { predictCommand } from '../src/cli/commands/predict.js';
import { UserError } from '../src/common/errors.js';
import { itemAt } from '../src/common/item-at.js';
import { random } from '../src/common/random.js';
import { saveModel } from '../src/node/checkpoints/index.js';
import { shardLine } from '../src/node/files/shards/shard-lines.js';
import { tinyCheckpoint, tinyLabels, writePictures } from '../src/recognize/helpers.test.js';
import { poster, start } from './support/cli.js';
import { inProcess } from './support/in-process.js';

const portrait = fileURLToPath(new URL('../../assets/astronaut.png', import.meta.url));
let dir = '';
const at = (...path: string[]): string => join(dir, ...path);

before(async () => {
  dir = await mkdtemp(join(tmpdir(), 'poster-sharding-'));
  await saveModel(at('w.safetensors'), tinyCheckpoint());
  await writePictures(at('faces', 'test'), tinyLabels.labels, 5);
  await writeFile(at('faces', 'test', 'neutral', '1.png'), 'no picture');
  await writePictures(at('crops'), ['photos'], 7);
  await writeFile(at('crops', 'photos', 'broken.png'), 'no picture');
});
after(() => rm(dir, { recursive: true, force: true }));

/** The parts of a command, each by a call of its own. @returns their folder */
async function shards(command: () => Command, args: readonly string[], count: number, folder: string): Promise<string> {
  for (let index = count; index >= 1; index--) {
    const { code, stdout } = await inProcess(command(), [
      ...args,
      ...['--shard', `${index}/${count}`, '--shard-folder', at(folder)],
    ]);
    assert.deepEqual([code, stdout], [0, ''], `shard ${index} of ${count}`);
  }
  return at(folder);
}

const merge = (...args: string[]): ReturnType<typeof inProcess> => inProcess(mergeCommand(), args);
const read = (path: string): Promise<Buffer> => readFile(at(path));

/** What is measured, two pictures at a time. */
const measured = (): string[] => [
  ...['--data', at('faces'), '--checkpoint', at('w.safetensors')],
  ...['--batch-size', '2', '--workers', '0'],
];

describe('the parts of a command, merged, are the bytes of one process:', () => {
  it('predict, as JSON, lines, text and a table', async () => {
    const inputs = [
      at('crops', 'photos'),
      at('nothing*.png'),
      '--aligned',
      '--checkpoint',
      at('w.safetensors'),
      '--threads',
      '1',
    ];
    const folders: string[] = [];
    // As on a machine that also asks a server: it changes nothing here, and is written nowhere.
    process.env['POSTER_SERVER_KEY'] = 'key-of-a-server';
    for (const count of [1, 4]) folders.push(await shards(predictCommand, inputs, count, `predicted-${count}`));
    delete process.env['POSTER_SERVER_KEY'];
    for (const folder of folders) {
      for (const name of await readdir(folder)) {
        assert.ok(!(await readFile(join(folder, name))).includes('key-of-a-server'), name);
      }
    }
    for (const output of [['--json', '--top', '2'], ['--jsonl'], []]) {
      const one = await inProcess(predictCommand(), [...inputs, ...output, '--csv', at('one.csv')]);
      assert.equal(one.code, 3);
      for (const folder of folders) {
        assert.deepEqual(await merge(folder, ...output, '--csv', at('merged.csv')), one, output.join(' '));
        assert.deepEqual(await read('merged.csv'), await read('one.csv'));
      }
    }
  });

  it('predict with faces that are found, the bundled weights, and drawings', async () => {
    await mkdir(at('photos'));
    for (const [i, side] of [300, 260, 220].entries())
      await sharp(portrait)
        .resize(side)
        .toFile(at('photos', `${i}.jpg`));
    const inputs = [at('photos'), '--draw', at('drawn')];
    const one = await inProcess(predictCommand(), [...inputs, '--json']);
    assert.match(one.stdout, /"keypoints": \{/);
    const folder = await shards(predictCommand, inputs, 2, 'photo-shards');
    assert.deepEqual(await merge(folder, '--json'), one);
    assert.equal((await readdir(at('drawn'))).length, 3);
  });

  it('evaluate: its report, its document and its table', async () => {
    const inputs = [...measured(), '--flip'];
    const folder = await shards(evaluateCommand, inputs, 3, 'evaluated');
    for (const output of [['--json'], []]) {
      const one = await inProcess(evaluateCommand(), [...inputs, ...output, '--csv', at('one.csv')]);
      assert.match(one.stderr, /^1 picture was left out:$/m);
      assert.deepEqual(await merge(folder, ...output, '--csv', at('merged.csv')), one);
      assert.deepEqual(await read('merged.csv'), await read('one.csv'));
    }
  });

  it('embed: features and table', async () => {
    const inputs = [at('faces'), '--checkpoint', at('w.safetensors'), '--batch-size', '2', '--workers', '0'];
    const folder = await shards(embedCommand, inputs, 4, 'embedded');
    await mkdir(at('one'));
    await mkdir(at('merged'));
    const one = await inProcess(embedCommand(), [...inputs, '--out', at('one', 'f.safetensors'), '--no-map', '--json']);
    const together = await merge(folder, '--out', at('merged', 'f.safetensors'), '--no-map', '--json');
    assert.equal(together.stdout, one.stdout.replaceAll(at('one'), at('merged')));
    for (const file of await readdir(at('one')))
      assert.deepEqual(await read(`merged/${file}`), await read(`one/${file}`), file);
  });

  it('evaluate where no picture of a part, and none at all, can be read', async () => {
    await mkdir(at('empty', 'test', 'happy'), { recursive: true });
    await mkdir(at('empty', 'test', 'neutral'));
    await mkdir(at('empty', 'test', 'sad'));
    for (const label of tinyLabels.labels) await writeFile(at('empty', 'test', label, '1.png'), 'no picture');
    const inputs = ['--data', at('empty'), '--checkpoint', at('w.safetensors'), '--batch-size', '1', '--workers', '0'];
    const folder = await shards(evaluateCommand, inputs, 2, 'empty-shards');
    const none = /None of the 3 pictures of .*test could be read; the first: .*1\.png/;
    await assert.rejects(inProcess(evaluateCommand(), inputs), none);
    await assert.rejects(merge(folder), none);
    await copyFile(at('faces', 'test', 'sad', '0.png'), at('empty', 'test', 'sad', '1.png'));
    await rm(folder, { recursive: true });
    await shards(evaluateCommand, inputs, 2, 'empty-shards');
    assert.deepEqual(await merge(folder), await inProcess(evaluateCommand(), inputs));
    await assert.rejects(merge(folder, '--csv', '-'), /The table of poster evaluate is a file; give --csv a name/);
  });
});

describe('a shard', () => {
  it('that is killed 5 times has the bytes of one that was not', { skip: process.platform === 'win32' }, async () => {
    await writePictures(at('many', 'test'), tinyLabels.labels, 40, 8);
    // A result at a time.
    const common = ['evaluate', '--data', 'many', '--checkpoint', 'w.safetensors', '--batch-size', '1'];
    const one = ['--threads', '1', '--workers', '0', '--shard', '1/1', '--shard-folder'];
    const shard = (folder: string): string[] => [...common, ...one, folder];
    const lines = async (folder: string): Promise<number> =>
      (await readFile(at(folder, '1-of-1.shard'), 'latin1').catch(() => '')).split('\n').length - 1;
    assert.equal((await poster(shard('whole'), dir)).code, 0);
    const moments = random(1, 'moments');
    let kills = 0;
    // Where a process ends before it is killed, others begin anew.
    for (let round = 0; kills < 5 && round < 20; round++) {
      const folder = `killed-${round}`;
      for (let left = true; left && kills < 5; ) {
        const { child, finished } = start(shard(folder), dir);
        // From before the file is there until some results later.
        const target = (await lines(folder)) + moments.int(6);
        while ((await lines(folder)) < target && child.exitCode === null) await sleep(2);
        child.kill('SIGKILL');
        await finished;
        left = child.signalCode === 'SIGKILL';
        if (left) kills++;
      }
      const { code, stderr } = await poster(shard(folder), dir);
      assert.equal(code, 0, stderr);
      assert.deepEqual(await read(`${folder}/1-of-1.shard`), await read('whole/1-of-1.shard'));
      assert.deepEqual(await readdir(at(folder)), ['1-of-1.shard'], 'no temporary file stays');
    }
    assert.equal(kills, 5);
  });

  it('that is complete is left as it is', async () => {
    const args = [at('crops', 'photos'), '--aligned', '--checkpoint', at('w.safetensors'), '--threads', '1'];
    const folder = await shards(predictCommand, args, 1, 'complete');
    const earlier = await stat(join(folder, '1-of-1.shard'));
    const again = await inProcess(predictCommand(), [...args, '--shard', '1/1', '--shard-folder', folder]);
    assert.match(again.stderr, /^Shard 1 of 1 is complete already \(.*\)\.$/m);
    const { ino, mtimeMs } = await stat(join(folder, '1-of-1.shard'));
    assert.deepEqual([ino, mtimeMs], [earlier.ino, earlier.mtimeMs]);
  });

  it('is asked for as i/n, and takes no option that says how all results are written', async () => {
    const fails = async (command: Command, args: readonly string[], sentence: RegExp): Promise<void> => {
      await assert.rejects(inProcess(command, args), sentence);
    };
    for (const [text, sentence] of [
      ['0/3', /Shards are counted from 1 to their number/],
      ['4/3', /Shards are counted from 1 to their number/],
      ['1/', /It must be like 2\/8/],
      ['1/200000', /There can be 100000 shards at most/],
    ] as const) {
      await fails(predictCommand(), ['x.jpg', '--shard', text], sentence);
    }
    await fails(
      predictCommand(),
      ['x.jpg', '--shard', '1/2', '--json'],
      /--json does not go with --shard: .*poster merge/,
    );
    await fails(predictCommand(), ['-', '--shard', '1/2'], /Standard input \(-\) cannot be divided into shards/);
    await fails(predictCommand(), ['x.jpg', '--shard-folder', 'f'], /--shard-folder says where a shard is written/);
    await fails(
      evaluateCommand(),
      ['--data', 'd', '--shard', '1/2', '--corruptions'],
      /--corruptions does not go with/,
    );
    await fails(embedCommand(), ['d', '--shard', '1/2', '--out', 'f.safetensors'], /--out does not go with --shard/);
    await fails(embedCommand(), ['d'], /Name the file of the features: --out FILE\.safetensors\./);
  });
});

describe('merge', () => {
  it('writes nothing where parts are missing, and says which', async () => {
    const folder = await shards(evaluateCommand, measured(), 3, 'missing');
    await rm(join(folder, '2-of-3.shard'));
    const path = join(folder, '3-of-3.shard');
    await writeFile(path, (await readFile(path)).subarray(0, -9));
    const { code, stdout, stderr } = await merge(folder, '--csv', at('never.csv'));
    assert.deepEqual([code, stdout], [3, '']);
    assert.match(
      stderr,
      /^poster: Shard 2 of 3 is missing; .*\nposter: Shard 3 of 3 \(.*\) is not complete: 1 of its 2 /,
    );
    await assert.rejects(stat(at('never.csv')));
  });

  it('takes the options of the command that wrote the parts', async () => {
    const folder = await shards(evaluateCommand, measured(), 1, 'options');
    await assert.rejects(
      merge(folder, '--jsonl'),
      /--jsonl does not go with shards of poster evaluate; leave it out\.$/,
    );
    const shard = join(folder, '1-of-1.shard');
    await assert.rejects(merge(folder, '--csv', shard), /--csv .* would write over .*1-of-1\.shard/);
  });

  it('refuses what no command wrote in a sentence, with right checksums too', async () => {
    const parts: readonly [() => Command, string[], string[]][] = [
      [evaluateCommand, measured(), []],
      [embedCommand, [at('faces'), ...measured().slice(2)], ['--out', at('hostile.safetensors'), '--no-map']],
      [predictCommand, [at('crops', 'photos'), '--aligned', ...measured().slice(2, 4)], ['--json']],
    ];
    const stream = random(1, 'hostile');
    for (const [i, [command, args, output]] of parts.entries()) {
      const folder = await shards(command, args, 1, `hostile-${i}`);
      const path = join(folder, '1-of-1.shard');
      const lines = (await readFile(path, 'utf8')).trimEnd().split('\n');
      for (let round = 0; round < 60; round++) {
        const which = stream.int(lines.length);
        const changed = lines.map((line, n) => {
          const [, name = '', json = ''] = /^\w{8} (\S+) (.*)$/s.exec(line) ?? [];
          const unit = n === 0 ? undefined : Number(name);
          const document: unknown = JSON.parse(json);
          assert.ok(typeof document === 'object' && document !== null);
          return shardLine(unit, n === which ? (mutated(document, stream) as object) : document);
        });
        await writeFile(path, Buffer.concat(changed));
        await merge(folder, ...output).catch((error: unknown) => {
          assert.ok(error instanceof UserError, `${String(error)} in ${itemAt(changed, which).toString()}`);
        });
      }
    }
  });
});

/** A document with one of its values put in another's place, made another one, or left out. */
function mutated(value: unknown, stream: ReturnType<typeof random>): unknown {
  const others: readonly unknown[] = [null, -1, 1e9, 0.5, '', 'AAAA', [], {}, ['x'], true];
  if (typeof value !== 'object' || value === null || Object.keys(value).length === 0 || stream.int(6) === 0) {
    return itemAt(others, stream.int(others.length));
  }
  const keys = Object.keys(value);
  const key = itemAt(keys, stream.int(keys.length));
  const entries = Object.entries(value).flatMap(([name, one]): [string, unknown][] => {
    if (name !== key) return [[name, one]];
    return stream.int(8) === 0 ? [] : [[name, mutated(one, stream)]];
  });
  return Array.isArray(value) ? entries.map(([, one]) => one) : Object.fromEntries(entries);
}
