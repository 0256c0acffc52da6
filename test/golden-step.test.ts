import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { itemAt } from '../src/common/item-at.js';
import { posterV2Config, posterV2Network } from '../src/models/index.js';
import { adam, views } from '../src/optim/index.js';
import { CpuEngine } from '../src/train/cpu-engine.js';
import type { MicroBatch } from '../src/train/engine.js';
import { trainingProgram } from '../src/train/program.js';
import { targetOf } from '../src/train/target.js';
import { fill, images } from './support/fill.js';
import { readFixture } from './support/fixtures.js';
import { checkRunning, norm, type StepGolden } from './support/step.js';

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
  const network = posterV2Network(config);
  let engine: CpuEngine;
  let batch: MicroBatch;

  before(async () => {
    const targets = new Float32Array(4 * 7);
    golden.target.forEach((label, i) => {
      targets[i * 7 + label] = 1;
    });
    batch = { size: 4, images: images(4), targets, weight: 1 / 4, masks: new Map() };
    const program = trainingProgram(network, await targetOf('cpu'));
    const start = new Map([...program.parameters.values()].map(({ name, shape }) => [name, fill(name, shape)]));
    engine = await CpuEngine.create({
      network,
      program,
      optimizer: adam(golden.lr),
      ema: 0,
      clip: 0,
      parameters: start,
      threads: 1,
    });
  });
  after(() => engine.dispose());

  // The steps that follow, and what they make of weights and statistics, are golden-train.test.ts's.
  test('loss, every gradient and running statistic; where SAM climbs to', async () => {
    const mean = (values: Float32Array): number => values.reduce((a, b) => a + b, 0) / values.length;
    const pass = await engine.forwardBackward([batch]);
    const { gradients, results } = pass;
    await pass.moveStatistics();
    const first = mean(itemAt(results, 0).losses);
    assert.ok(Math.abs(first - golden.loss) < 1e-4, `loss ${first}`);
    checkRunning(golden.running, (await engine.snapshot()).parameters);
    await gradients.onHost(async (flat) => checkGradients(views(gradients.layout, flat)));
    const climbed = await gradients.climb(golden.rho);
    const second = mean(itemAt((await climbed.forwardBackward([batch])).results, 0).losses);
    const got = [first, second, climbed.norm];
    itemAt(golden.sam.loss_first_loss_second_gradient_norm, 0).forEach((value, i) => {
      const error = Math.abs(itemAt(got, i) - value);
      assert.ok(error < 1e-3 * Math.abs(value), `${got[i]} is not ${value}`);
    });
  });

  function checkGradients(computed: ReadonlyMap<string, Float32Array>): void {
    assert.deepEqual([...computed.keys()].sort(), [...golden.trained].sort());
    let worst = 0;
    for (const [name, expected] of Object.entries(golden.gradients)) {
      const got = norm(computed.get(name) as Float32Array);
      const error = Math.abs(got - expected.norm) / expected.norm;
      worst = Math.max(worst, error);
      assert.ok(error < 1e-3, `gradient of ${name}: norm ${got}, not ${expected.norm}`);
    }
    console.log(`worst gradient norm differs by ${worst.toExponential(1)} (relative)`);
  }
});
