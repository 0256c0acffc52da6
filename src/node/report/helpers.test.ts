import type { RunEpoch } from './run-folder.js';

/** Epochs of a run with two classes, the last one the best. */
export function runEpochs(count: number, shift = 0): RunEpoch[] {
  return Array.from({ length: count }, (_, i) => ({
    epoch: i + 1,
    step: 10 * (i + 1),
    trainLoss: 1 / (i + 1),
    trainAccuracy: (i + 1) / (count + 1),
    valLoss: 1.1 / (i + 1),
    valAccuracy: (5 + i + shift) / 20,
    valMeanClassAccuracy: (4 + i) / 20,
    valMacroF1: (3 + i) / 20,
    lr: 0.001 / (i + 1),
    lrStart: 0.001 / Math.max(1, i),
    seconds: 60,
    best: true,
    confusion: [
      [5 + i, 5 - Math.min(5, i)],
      [2, 8],
    ],
  }));
}
