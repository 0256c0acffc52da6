import assert from 'node:assert/strict';
import { test } from 'node:test';
import { rankCorrelation } from './rank-correlation.js';
import { voteAgreement } from './vote-agreement.js';

test("Spearman's rank correlation, as SciPy gives it", () => {
  assert.equal(rankCorrelation([1, 2, 3], [10, 20, 30]), 1);
  assert.equal(rankCorrelation([1, 2, 3], [5, 4, -1]), -1);
  // scipy.stats.spearmanr([1, 2, 3, 4, 5], [5, 6, 7, 8, 7])
  assert.ok(Math.abs((rankCorrelation([1, 2, 3, 4, 5], [5, 6, 7, 8, 7]) ?? 0) - 0.8207826816681233) < 1e-15);
  assert.equal(rankCorrelation([1, 1, 1], [1, 2, 3]), null);
  assert.equal(rankCorrelation([], []), null);
});

test('probabilities that are the shares of the votes diverge by nothing', () => {
  const votes = Float32Array.from([0.5, 0.5, 0.9, 0.1, 0.7, 0.3]);
  const agreement = voteAgreement({ classes: 2, data: votes }, { classes: 2, data: votes.map(Math.log) });
  const entropies = [0.5, 0.9, 0.7].map((p) => -p * Math.log(p) - (1 - p) * Math.log(1 - p));
  assert.equal(agreement.samples, 3);
  assert.ok(Math.abs(agreement.divergence ?? 1) < 1e-6);
  assert.ok(Math.abs((agreement.crossEntropy ?? 0) - entropies.reduce((sum, one) => sum + one / 3, 0)) < 1e-6);
  assert.equal(agreement.entropyCorrelation, 1);
});

test('a network that is sure where people disagree correlates negatively', () => {
  const votes = Float32Array.from([0.5, 0.5, 0.8, 0.2, 1, 0]);
  const logits = Float32Array.from([5, 0, 2, 0, 0, 0]);
  const { divergence, entropyCorrelation } = voteAgreement({ classes: 2, data: votes }, { classes: 2, data: logits });
  assert.equal(entropyCorrelation, -1);
  assert.ok((divergence ?? 0) > 0.1);
  assert.equal(
    voteAgreement({ classes: 2, data: new Float32Array() }, { classes: 2, data: new Float32Array() }).divergence,
    null,
  );
});
