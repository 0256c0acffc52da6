import assert from 'node:assert/strict';
import { test } from 'node:test';
import { probabilityText, shortProbabilityText } from './probability-text.js';

test('a probability is shown as 0 or 1 where it is that, and nowhere else', () => {
  const shown = [0, 1e-9, 0.0005, 0.5, 0.943, 0.9994, 0.9996, 1].map(probabilityText);
  assert.deepEqual(shown, ['0.0%', '<0.1%', '0.1%', '50.0%', '94.3%', '99.9%', '>99.9%', '100.0%']);
  const short = [0, 1e-9, 0.005, 0.5, 0.943, 0.9949, 0.996, 1].map(shortProbabilityText);
  assert.deepEqual(short, ['0%', '<1%', '1%', '50%', '94%', '99%', '>99%', '100%']);
});
