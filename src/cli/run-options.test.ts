import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { runFor } from '../node/runs/recipes.js';
import { resumedRun } from './run-options.js';

describe('options of a resumed run', () => {
  const stored = { ...runFor({ data: '/faces' }), epochs: 8 };

  it('may name more epochs and where the data lies now', () => {
    assert.deepEqual(resumedRun(stored, {}), stored);
    assert.deepEqual(resumedRun(stored, { data: '/moved', epochs: 9 }), { ...stored, data: '/moved', epochs: 9 });
  });

  it('are otherwise those it began with', () => {
    assert.deepEqual(resumedRun(stored, { lr: stored.lr }), stored);
    assert.throws(() => resumedRun(stored, { seed: 5 }), /keeps its options, and --seed was 0; leave it out/);
  });
});
