import assert from 'node:assert/strict';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { wishedRun } from './wished-run.js';

describe('a run as published', () => {
  let dir = '';
  before(async () => {
    dir = await mkdtemp(join(tmpdir(), 'poster-wished-'));
    await mkdir(join(dir, 'alone', 'train', 'happy'), { recursive: true });
    await mkdir(join(dir, 'both', 'train', 'happy'), { recursive: true });
    await mkdir(join(dir, 'both', 'test', 'happy'), { recursive: true });
  });
  after(() => rm(dir, { recursive: true, force: true }));

  it('says which settings it does not heed, and heeds the others', async () => {
    const given = { asPublished: true, dataType: 'RAF-DB', optimizer: 'adamw', weightDecay: 0.1 } as const;
    const { run, notes, ignored } = await wishedRun(join(dir, 'both'), { ...given, decay: 'matrices', momentum: 0.5 });
    assert.deepEqual([run.weightDecay, run.decay, run.valSplit], [0.01, 'matrices', 'test']);
    assert.equal(notes.length, 1);
    assert.match(notes[0] ?? '', /the split 'test', which is the one to report/);
    assert.deepEqual(ignored, [{ setting: 'weightDecay', value: 0.01 }]);
  });

  it('says so where there is no split to choose on', async () => {
    const given = { asPublished: true, dataType: 'RAF-DB' } as const;
    const { run, notes } = await wishedRun(join(dir, 'alone'), given);
    assert.equal(run.valSplit, null);
    assert.match(notes.join(), /alone has none but what it trains on: it is chosen on 10% held out of that\.$/);
    assert.deepEqual((await wishedRun(join(dir, 'alone'), { ...given, holdOut: 0.2 })).notes, []);
    assert.deepEqual((await wishedRun(join(dir, 'alone'), { dataType: 'RAF-DB' })).notes, []);
  });
});
