import assert from 'node:assert/strict';
import { chmod, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import fc from 'fast-check';
import { UserError } from '../../../common/errors.js';
import { itemAt } from '../../../common/item-at.js';
import { dealt } from '../../../common/shares.js';
import { openShardFile, openShards, type ShardHeader, shardHeader, shardPath } from './index.js';
import { ranges } from './shard-header.js';
import { shardLine } from './shard-lines.js';

const dir = await mkdtemp(join(tmpdir(), 'poster-shards-'));
after(() => rm(dir, { recursive: true, force: true }));
let folders = 0;
const newFolder = (): string => join(dir, String(folders++));

const units = 11;
const result = (unit: number): object => ({ unit, text: 'é'.repeat(unit) });
type HeaderParts = Parameters<typeof shardHeader>[0];
const header = (index: number, count: number, more: Partial<HeaderParts> = {}): ShardHeader =>
  shardHeader({
    version: '1',
    command: 'predict',
    shard: { index, count },
    units,
    own: dealt(units, { index, count }).length,
    inputs: '0'.repeat(64),
    weights: '1'.repeat(64),
    settings: { top: 3, scales: [96, undefined] },
    facts: { labels: ['a', 'b'] },
    ...more,
  });

/** @param most results that are written before the process is gone */
async function write(folder: string, index: number, count: number, most = units, more: Partial<HeaderParts> = {}) {
  const own = dealt(units, { index, count });
  const path = shardPath(folder, { index, count });
  const file = await openShardFile(path, header(index, count, more), own);
  for (const unit of own.slice(file.done, file.done + most)) await file.add(result(unit));
  await file.close();
  return path;
}

async function merged(paths: readonly string[]): Promise<unknown[]> {
  const shards = await openShards(paths);
  assert.deepEqual(shards.missing, []);
  const results: unknown[] = [];
  for await (const { unit, json } of shards.results()) {
    assert.equal(unit, results.length);
    results.push(JSON.parse(json));
  }
  return results;
}

const all = Array.from({ length: units }, (_, unit) => result(unit));

test('shards of any number are merged into all results in their order', async () => {
  for (const count of [1, 2, 3, 7, 20]) {
    const folder = newFolder();
    const paths: string[] = [];
    for (let index = count; index >= 1; index--) paths.push(await write(folder, index, count));
    assert.deepEqual(await merged([folder]), all);
    assert.deepEqual(await merged(paths), all);
  }
});

test('a shard that was cut off at any byte goes on, and has the same bytes in the end', async () => {
  const path = await write(newFolder(), 1, 3);
  const whole = await readFile(path);
  const head = whole.indexOf(10) + 1;
  for (let length = head; length <= whole.length; length++) {
    await writeFile(path, whole.subarray(0, length));
    await write(join(path, '..'), 1, 3);
    assert.deepEqual(await readFile(path), whole, `cut off at ${length} of ${whole.length}`);
  }
  assert.deepEqual(await readdir(join(path, '..')), ['1-of-3.shard'], 'no temporary file stays');
});

test('any damaged byte costs results, and never makes one wrong', async () => {
  const path = await write(newFolder(), 1, 1);
  const whole = await readFile(path);
  const head = whole.indexOf(10) + 1;
  await fc.assert(
    fc.asyncProperty(fc.nat(whole.length - 1), fc.integer({ min: 1, max: 255 }), async (at, change) => {
      const damaged = Buffer.from(whole);
      damaged[at] = itemAt(damaged, at) ^ change;
      await writeFile(path, damaged);
      if (at < head) await assert.rejects(openShards([path]), UserError);
      else
        assert.match(
          (await openShards([path])).missing.join(),
          /^Shard 1 of 1 \(.*\) is not complete: \d+ of its 11 parts/,
        );
    }),
    { numRuns: 200 },
  );
  await writeFile(path, whole);
});

test('what is missing is told, a sentence each', async () => {
  const folder = newFolder();
  await write(folder, 1, 6);
  await write(folder, 4, 6, 1);
  const { missing } = await openShards([folder]);
  assert.deepEqual(missing, [
    'Shards 2, 3, 5 and 6 of 6 are missing; run them, or name where they lie.',
    `Shard 4 of 6 (${join(folder, '4-of-6.shard')}) is not complete: 1 of its 2 parts is left; run it again to resume it.`,
  ]);
  assert.equal(ranges([1, 2, 3, 5, 7, 8]), '1 to 3, 5, 7 and 8');
  assert.equal(ranges([1, 3, 5, 7, 9, 11, 13, 15, 17, 19]), '1, 3, 5, 7, 9, 11, 13, 15 and 2 more');
});

test('shards of other jobs, and a shard given twice, are refused', async () => {
  const [folder, other] = [newFolder(), newFolder()];
  const first = await write(folder, 1, 2);
  const cases: readonly (readonly [Partial<HeaderParts>, RegExp])[] = [
    [{ version: '2' }, /are not of one job: their versions of poster differ \(1 and 2\); merge the shards of one\.$/],
    [{ command: 'embed' }, /their commands differ \(predict and embed\)/],
    [{ weights: '2'.repeat(64) }, /their weights differ/],
    [{ inputs: '2'.repeat(64) }, /their inputs differ/],
    [{ settings: { top: 4 } }, /their values of top differ \(3 and 4\)/],
    [{ facts: {} }, /what they say of weights and inputs differs/],
  ];
  for (const [more, sentence] of cases) {
    const second = await write(other, 2, 2, units, more);
    await assert.rejects(openShards([first, second]), sentence);
    // Nor does a process go on with it.
    await assert.rejects(
      write(other, 2, 2),
      /holds other work than this shard's \(.*\); remove it, or choose another folder\.$/,
    );
    await rm(second);
  }
  const third = await write(other, 1, 3);
  await assert.rejects(openShards([first, third]), /their numbers of shards differ \(2 and 3\)/);
  await assert.rejects(
    openShards([first, folder]),
    /^UserError: Shard 1 of 2 is given twice, as .* and .*; give it once\.$/,
  );
  await assert.rejects(openShards([newFolder()]), UserError);
});

test('of two processes that write one shard, the later one has the file', async () => {
  const folder = newFolder();
  const path = shardPath(folder, { index: 1, count: 1 });
  const own = dealt(units, { index: 1, count: 1 });
  const early = await openShardFile(path, header(1, 1), own);
  await early.add(result(0));
  await chmod(path, 0o600);
  const late = await openShardFile(path, header(1, 1), own);
  if (process.platform !== 'win32') assert.equal((await stat(path)).mode & 0o777, 0o600);
  assert.deepEqual([early.done, late.done], [0, 1]);
  for (const unit of own.slice(1)) {
    await early.add(result(unit));
    await late.add(result(unit));
  }
  await early.close();
  await late.close();
  assert.deepEqual(await merged([path]), all);
});

test('whatever a file holds, it is read or refused in a sentence', async () => {
  const path = join(dir, 'any.shard');
  const refused = async (bytes: Uint8Array): Promise<void> => {
    await writeFile(path, bytes);
    try {
      const shards = await openShards([path]);
      for await (const one of shards.missing.length > 0 ? [] : shards.results())
        assert.equal(typeof one.json, 'string');
    } catch (error) {
      assert.ok(error instanceof UserError, String(error));
    }
  };
  await fc.assert(fc.asyncProperty(fc.uint8Array({ maxLength: 300 }), refused), { numRuns: 100 });
  // With right checksums: whoever means harm can make them.
  const lines = fc.array(
    fc.tuple(
      fc.option(fc.nat(2 ** 33), { nil: undefined }),
      fc.oneof(
        fc.object({ maxDepth: 2 }),
        fc
          .record({
            own: fc.oneof(fc.nat(12), fc.maxSafeNat()),
            units: fc.oneof(fc.nat(12), fc.maxSafeNat()),
            shard: fc.record({ index: fc.integer({ max: 3 }), count: fc.nat(200_000) }),
          })
          .map((more) => ({ ...header(1, 1), ...more })),
      ),
    ),
    { maxLength: 6 },
  );
  await fc.assert(
    fc.asyncProperty(lines, (all) => refused(Buffer.concat(all.map(([unit, document]) => shardLine(unit, document))))),
    { numRuns: 300 },
  );
});
