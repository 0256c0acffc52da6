import assert from 'node:assert/strict';
import { test } from 'node:test';
import { VideoSummary } from './summary.js';

test('a rate of frames that no stretch of time has is refused: infinity would never end', () => {
  for (const fps of [0, -1, Number.NaN, Number.POSITIVE_INFINITY]) {
    assert.throws(() => new VideoSummary(['happy'], fps), {
      name: 'UserError',
      kind: 'usage',
      message: /frames a second/,
    });
  }
});

test('a label that frames do not have is told, not counted as never shown', () => {
  const summary = new VideoSummary(['happy', 'sadness'], 10);
  const smoothed = [{ label: 'happy', probability: 1 }];
  const face = {
    ...{ id: 1, box: { x: 0, y: 0, width: 9, height: 9 }, keypoints: null, detectionScore: null },
    ...{ expression: 'happy', probability: 1, scores: [], smoothed, lowContrast: false },
  };
  assert.throws(() => summary.add({ time: 0, frame: 0, width: 9, height: 9, faces: [face] }), /^RangeError: sadness/);
});
