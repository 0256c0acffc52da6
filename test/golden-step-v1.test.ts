import assert from 'node:assert/strict';
import { test } from 'node:test';
import { itemAt } from '../src/common/item-at.js';
import { posterV1Config, posterV1Network } from '../src/models/index.js';
import { adam } from '../src/optim/index.js';
import { readFixture } from './support/fixtures.js';
import { checkNorms, checkUpdates, takeSteps } from './support/golden-steps.js';

interface Golden {
  readonly target: readonly number[];
  readonly loss: number;
  readonly gradients: Readonly<Record<string, number>>;
  readonly running: Readonly<Record<string, number>>;
  readonly sam: {
    readonly steps: number;
    readonly lr: number;
    readonly rho: number;
    readonly loss_first_loss_second_gradient_norm: readonly (readonly number[])[];
    readonly update: Readonly<Record<string, number>>;
    readonly running: Readonly<Record<string, number>>;
  };
}

/**
 * Gradients that are 0 in exact arithmetic: what shifts all features of a token alike, before a LayerNorm, and all of a
 * channel alike, before a BatchNorm. Adam makes steps of their rounding errors.
 */
const isNoise = (name: string): boolean =>
  /blocks\.\d+\.(?:block_l\.conv|upsample_m)\.bias$/.test(name) ||
  /^ir_back\.body\.(?:[0-6]\.res_layer\.4|3\.shortcut_layer\.1)\.bias$/.test(name);
const isUnread = (name: string): boolean => name.startsWith('ir_back.output_layer.');

test('POSTER V1 (small) makes the steps of SAM over Adam that PyTorch makes in float64', async () => {
  const golden = readFixture<Golden>('golden-v1/step-small-raf-7.json');
  const { sam } = golden;
  const network = posterV1Network({
    ...posterV1Config,
    channelOrder: 'rgb',
    landmark: { ...posterV1Config.landmark, training: 'as-published' },
    fusion: { ...posterV1Config.fusion, blocks: 4, dropPath: 0 },
  });
  // Twice the cross-entropy with smoothing 0.2 and once that without are one with targets that sum to 3.
  const targets = golden.target.map((label) =>
    Array.from({ length: 7 }, (_, k) => (k === label ? 2 * 0.8 + 1 : 0) + (2 * 0.2) / 7),
  );
  const taken = await takeSteps({ network, optimizer: adam(sam.lr), steps: sam.steps, rho: sam.rho, targets });
  assert.ok(Math.abs(itemAt(itemAt(taken.losses, 0), 0) - golden.loss) < 1e-4);
  sam.loss_first_loss_second_gradient_norm.forEach((expected, i) => {
    expected.forEach((value, j) => {
      const got = itemAt(itemAt(taken.losses, i), j);
      assert.ok(Math.abs(got - value) < 2e-3 * value, `step ${i}: ${got} is not ${value}`);
    });
  });
  checkNorms('gradient', taken.gradients, golden.gradients, 2e-3, isNoise);
  checkNorms('running statistic', taken.firstRunning, golden.running, 1e-3, isUnread);
  checkUpdates(taken, sam.update, sam.steps * sam.lr, isNoise);
  checkNorms('running statistic after all steps', taken.running, sam.running, 1e-3, isUnread);
});
