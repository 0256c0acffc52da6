import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { graph } from '../src/graph/index.js';
import { armConfig, armNetwork, buildForward, buildInference, identifyModel } from '../src/models/index.js';
import { adam } from '../src/optim/index.js';
import { fill } from './support/fill.js';
import { readFixture } from './support/fixtures.js';
import { checkForward, distance, execute, type ForwardGolden } from './support/golden.js';
import { checkNorms, checkUpdates, takeSteps } from './support/golden-steps.js';

interface Golden extends ForwardGolden {
  readonly 'logits of the first picture alone': readonly (readonly number[])[];
}

interface StepGolden {
  readonly target: readonly number[];
  readonly loss: number;
  readonly gradients: Readonly<Record<string, number>>;
  readonly running: Readonly<Record<string, number>>;
  readonly adam: {
    readonly steps: number;
    readonly lr: number;
    readonly 'weight decay (added to the gradient)': number;
    readonly losses: readonly number[];
    readonly update: Readonly<Record<string, number>>;
    readonly running: Readonly<Record<string, number>>;
  };
}

const network = armNetwork(armConfig);
const forward = readFixture<Golden>('golden-arm/forward-7.json');
const tapOf = (name: string): string => (['albino', 'bn', 'amended'].includes(name) ? `arm.${name}` : name);

describe('ARM against PyTorch in float64', () => {
  it('holds exactly what published checkpoints hold, and is known by it', () => {
    const published = readFixture<Record<string, { shape: number[] }>>('golden-arm/state-dict-7.json');
    const ours = new Map([...buildInference(network).parameters.values()].map(({ name, shape }) => [name, shape]));
    assert.equal(identifyModel(ours)?.name, 'arm');
    for (const name of [...ours.keys()].filter((one) => one.endsWith('.running_var'))) {
      ours.set(name.replace('running_var', 'num_batches_tracked'), []);
    }
    assert.deepEqual([...ours.keys()].sort(), Object.keys(published).sort());
    for (const [name, shape] of ours) assert.deepEqual(shape, published[name]?.shape, name);
    for (const [name, expected] of Object.entries(readFixture<Record<string, number[]>>('golden-arm/fill.json'))) {
      assert.deepEqual([...fill(name, published[name]?.shape ?? []).subarray(0, expected.length)], expected, name);
    }
  });

  it('gives the logits of a batch as published, whose pictures depend on each other', async () => {
    await checkForward(network, forward, { tapOf, build: { acrossBatch: true }, bySize: true });
  });

  it("gives a picture's own logits by default, whatever its neighbours", async () => {
    const { logits } = buildForward(network, 'inference');
    const results = await execute(graph({ logits }), network, forward.logits.length);
    const own = results['logits'];
    assert.ok(own);
    const alone = forward['logits of the first picture alone'].flat();
    assert.ok(distance([...(own.data as Float32Array)].slice(0, alone.length), alone) < 1e-4);
    assert.ok(distance(alone, forward.logits[0] ?? []) > 0.1);
  });

  it('makes the steps of Adam with decay that PyTorch makes', async () => {
    const golden = readFixture<StepGolden>('golden-arm/step.json');
    const { steps, lr, losses, update, running, ...rest } = golden.adam;
    const optimizer = adam(lr, { weightDecay: rest['weight decay (added to the gradient)'] });
    const targets = golden.target.map((label) => Array.from({ length: 7 }, (_, k) => (k === label ? 1 : 0)));
    const taken = await takeSteps({ network, optimizer, steps, targets, decay: () => true });
    assert.ok(Math.abs((taken.losses[0]?.[0] ?? Number.NaN) - golden.loss) < 1e-4);
    losses.forEach((value, i) => {
      const got = taken.losses[i]?.[0] ?? Number.NaN;
      assert.ok(Math.abs(got - value) < 3e-3 * value, `step ${i}: ${got} is not ${value}`);
    });
    checkNorms('gradient', taken.gradients, golden.gradients, 3e-3);
    checkNorms('running statistic', taken.firstRunning, golden.running, 1e-3);
    checkUpdates(taken, update, steps * lr);
    checkNorms('running statistic after all steps', taken.running, running, 3e-3);
  });
});
