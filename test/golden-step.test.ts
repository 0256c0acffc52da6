import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { itemAt } from '../src/common/item-at.js';
import { posterV2Config, posterV2Network } from '../src/models/index.js';
import { adam, views } from '../src/optim/index.js';
import { CpuEngine } from '../src/train/cpu-engine.js';
import type { MicroBatch } from '../src/train/engine.js';
import { trainingProgram } from '../src/train/program.js';
import { fill, images } from './support/fill.js';
import { readFixture } from './support/fixtures.js';
import { checkRunning, checkUpdate, norm, type StepGolden } from './support/step.js';

// Stochastic depth is off and the landmark branch as published in the golden files.
const config = {
  ...posterV2Config,
  attention: posterV2Config.attention.map((scale) => ({
    ...scale,
    dropPath: 0,
  })) as unknown as typeof posterV2Config.attention,
  landmark: {
    ...(posterV2Config.landmark as Exclude<typeof posterV2Config.landmark, 'none'>),
    training: 'as-published' as const,
  },
};

describe('POSTER V2 trains as the PyTorch oracle does in float64', () => {
  const golden = readFixture<StepGolden>('golden/step.json');
  const program = trainingProgram(posterV2Network(config), { device: 'cpu' });
  const start = new Map([...program.parameters.values()].map(({ name, shape }) => [name, fill(name, shape)]));
  let engine: CpuEngine;
  let batch: MicroBatch;

  before(async () => {
    const targets = new Float32Array(4 * 7);
    golden.target.forEach((label, i) => {
      targets[i * 7 + label] = 1;
    });
    batch = { size: 4, images: images(4), targets, weight: 1 / 4, masks: new Map() };
    engine = await CpuEngine.create({
      network: posterV2Network(config),
      optimizer: adam(golden.lr),
      ema: 0,
      clip: 0,
      parameters: start,
      threads: 1,
    });
  });
  after(() => engine.dispose());

  test('loss, every gradient and running statistic; two steps of SAM over Adam', async () => {
    const losses: [number, number, number][] = [];
    const mean = (values: Float32Array): number => values.reduce((a, b) => a + b, 0) / values.length;
    for (let step = 0; step < golden.sam.steps; step++) {
      const pass = await engine.forwardBackward([batch]);
      const { gradients, results } = pass;
      await pass.moveStatistics();
      const first = mean(itemAt(results, 0).losses);
      if (step === 0) {
        assert.ok(Math.abs(first - golden.loss) < 1e-4, `loss ${first}`);
        checkRunning(golden.running, (await engine.snapshot()).parameters);
      }
      if (step === 0) {
        await gradients.onHost(async (flat) => checkGradients(views(gradients.layout, flat)));
      }
      const climbed = await gradients.climb(golden.rho);
      const again = await climbed.forwardBackward([batch]);
      const second = mean(itemAt(again.results, 0).losses);
      await again.moveStatistics();
      await again.gradients.update(golden.lr);
      losses.push([first, second, climbed.norm]);
    }
    golden.sam.loss_first_loss_second_gradient_norm.forEach((expected, i) => {
      expected.forEach((value, j) => {
        const got = losses[i]?.[j] ?? Number.NaN;
        assert.ok(Math.abs(got - value) < 1e-3 * Math.abs(value), `step ${i}: ${got} is not ${value}`);
      });
    });
    const { parameters } = await engine.snapshot();
    checkUpdate(golden, parameters, start);
    checkRunning(golden.sam.running, parameters);
  });

  function checkGradients(seen: ReadonlyMap<string, Float32Array>): void {
    assert.deepEqual([...seen.keys()].sort(), [...golden.trained].sort());
    let worst = 0;
    for (const [name, expected] of Object.entries(golden.gradients)) {
      const got = norm(seen.get(name) as Float32Array);
      const error = Math.abs(got - expected.norm) / expected.norm;
      worst = Math.max(worst, error);
      assert.ok(error < 1e-3, `gradient of ${name}: norm ${got}, not ${expected.norm}`);
    }
    console.log(`worst gradient norm differs by ${worst.toExponential(1)} (relative)`);
  }
});
