import assert from 'node:assert/strict';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it, test } from 'node:test';
import { resolveRun } from './resolve-run.js';

describe('a run as published', () => {
  let dir = '';
  before(async () => {
    dir = await mkdtemp(join(tmpdir(), 'poster-resolve-'));
    await mkdir(join(dir, 'alone', 'train', 'happy'), { recursive: true });
    await mkdir(join(dir, 'both', 'train', 'happy'), { recursive: true });
    await mkdir(join(dir, 'both', 'test', 'happy'), { recursive: true });
  });
  after(() => rm(dir, { recursive: true, force: true }));

  it('says which settings it does not heed, and heeds the others', async () => {
    const given = { asPublished: true, dataType: 'RAF-DB', optimizer: 'adamw', weightDecay: 0.1 } as const;
    const { run, notes, ignored } = await resolveRun(join(dir, 'both'), { ...given, decay: 'matrices', momentum: 0.5 });
    assert.deepEqual([run.weightDecay, run.decay, run.valSplit], [0.01, 'matrices', 'test']);
    assert.equal(notes.length, 1);
    assert.match(notes[0] ?? '', /the split 'test', which is the one to report/);
    assert.deepEqual(ignored, [{ setting: 'weightDecay', value: 0.01 }]);
  });

  it('says so where there is no split to choose on', async () => {
    const given = { asPublished: true, dataType: 'RAF-DB' } as const;
    const { run, notes } = await resolveRun(join(dir, 'alone'), given);
    assert.equal(run.valSplit, null);
    assert.match(notes.join(), /alone has none but what it trains on: it is chosen on 10% held out of that\.$/);
    assert.deepEqual((await resolveRun(join(dir, 'alone'), { ...given, holdOut: 0.2 })).notes, []);
    assert.deepEqual((await resolveRun(join(dir, 'alone'), { dataType: 'RAF-DB' })).notes, []);
  });
});

test('settings that change nothing beside the others are told, and only those that are given', async () => {
  const idle = async (given: Parameters<typeof resolveRun>[1]): Promise<string[]> =>
    (await resolveRun('faces', { model: 'resnet8', ...given })).idle.map(
      ({ setting, condition }) => `${setting} ${condition}`,
    );
  assert.deepEqual(await idle({ optimizer: 'adamw', schedule: 'cosine' }), []);
  assert.deepEqual(await idle({ optimizer: 'adamw', momentum: 0.9 }), ['momentum with adamw']);
  assert.deepEqual(await idle({ optimizer: 'sgd', momentum: 0.9 }), []);
  assert.deepEqual(await idle({ weightDecay: 0, decay: 'all' }), ['decay with a weight decay of 0']);
  assert.deepEqual(await idle({ schedule: 'cosine', gamma: 0.9 }), ['gamma with the schedule cosine']);
  assert.deepEqual(await idle({ schedule: 'exponential', gamma: 0.9 }), []);
  assert.deepEqual(await idle({ erasing: 0, erasingScale: [0.1, 0.2], erasingRatio: [1, 2] }), [
    'erasingScale where nothing is erased',
    'erasingRatio where nothing is erased',
  ]);
  assert.deepEqual(await idle({ erasing: 0.5, erasingScale: [0.1, 0.2] }), []);
});
