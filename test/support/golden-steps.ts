import assert from 'node:assert/strict';
import { itemAt } from '../../src/common/item-at.js';
import type { ConfiguredNetwork } from '../../src/models/index.js';
import { type DecayRule, type OptimizerConfig, views } from '../../src/optim/index.js';
import { CpuEngine } from '../../src/train/cpu-engine.js';
import { trainingProgram } from '../../src/train/program.js';
import { targetOf } from '../../src/train/target.js';
import { fill, images } from './fill.js';
import { norm } from './step.js';

type Norms = Readonly<Record<string, number>>;

export interface StepOptions {
  readonly network: ConfiguredNetwork;
  readonly optimizer: OptimizerConfig;
  readonly steps: number;
  /** Length of SAM's climb; left out: no SAM. */
  readonly rho?: number;
  readonly decay?: DecayRule;
  /** A row for each picture. */
  readonly targets: readonly (readonly number[])[];
}

export interface TakenSteps {
  /** Of each step: the loss, with SAM that of the second pass too, and the length of the gradient. */
  readonly losses: readonly (readonly number[])[];
  /** Norms of the first gradients, of the running statistics after the first pass and after all, of what all steps change. */
  readonly gradients: Norms;
  readonly firstRunning: Norms;
  readonly running: Norms;
  readonly update: Norms;
  /** Elements of each parameter. */
  readonly sizes: Norms;
}

/** Trains on one batch of the fill rule's pictures from the fill rule's weights. */
export async function takeSteps(options: StepOptions): Promise<TakenSteps> {
  const { network, optimizer, steps, rho, targets, decay } = options;
  const program = trainingProgram(network, await targetOf('cpu'));
  const start = new Map([...program.parameters.values()].map(({ name, shape }) => [name, fill(name, shape)]));
  const size = targets.length;
  const batch = {
    size,
    images: images(size),
    targets: Float32Array.from(targets.flat()),
    weight: 1 / size,
    masks: new Map(),
  };
  const engine = await CpuEngine.create({
    network,
    program,
    optimizer,
    ema: 0,
    clip: 0,
    parameters: start,
    // Beside other test files, a second thread mostly waits, and takes a processor while it does.
    threads: 1,
    ...(decay === undefined ? {} : { decay }),
  });
  const snapshot = async (): Promise<ReadonlyMap<string, Float32Array>> => (await engine.snapshot()).parameters;
  const running = (values: ReadonlyMap<string, Float32Array>): Norms =>
    Object.fromEntries([...values].filter(([name]) => name.includes('.running_')).map(([name, v]) => [name, norm(v)]));
  const mean = (values: Float32Array): number => values.reduce((a, b) => a + b, 0) / values.length;

  const losses: number[][] = [];
  let gradients: Norms = {};
  let firstRunning: Norms = {};
  for (let step = 0; step < steps; step++) {
    const pass = await engine.forwardBackward([batch]);
    await pass.moveStatistics();
    const first = mean(itemAt(pass.results, 0).losses);
    if (step === 0) {
      firstRunning = running(await snapshot());
      await pass.gradients.onHost(async (flat) => {
        const gradientViews = views(pass.gradients.layout, flat);
        gradients = Object.fromEntries([...gradientViews].map(([name, values]) => [name, norm(values)]));
      });
    }
    if (rho === undefined) {
      await pass.gradients.update(optimizer.lr);
      losses.push([first]);
      continue;
    }
    const climbed = await pass.gradients.climb(rho);
    const again = await climbed.forwardBackward([batch]);
    await again.moveStatistics();
    await again.gradients.update(optimizer.lr);
    losses.push([first, mean(itemAt(again.results, 0).losses), climbed.norm]);
  }
  const values = await snapshot();
  await engine.dispose();
  const update = Object.fromEntries(
    [...start].map(([name, from]) => {
      const to = values.get(name);
      assert.ok(to);
      return [name, norm(to.map((value, i) => value - (from[i] ?? Number.NaN)))];
    }),
  );
  const sizes = Object.fromEntries([...start].map(([name, { length }]) => [name, length]));
  return { losses, gradients, firstRunning, running: running(values), update, sizes };
}

/** Norms within a relative tolerance, but for those left out. */
export function checkNorms(
  what: string,
  actual: Norms,
  expected: Norms,
  tolerance: number,
  leaveOut: (name: string, norm: number) => boolean = () => false,
): void {
  let [worst, compared] = [0, 0];
  for (const [name, value] of Object.entries(expected)) {
    if (leaveOut(name, value)) continue;
    const error = Math.abs((actual[name] ?? Number.NaN) / value - 1);
    assert.ok(error < tolerance, `${what} of ${name}: norm ${actual[name]}, not ${value}`);
    worst = Math.max(worst, error);
    compared++;
  }
  assert.ok(compared > 10);
  console.log(`worst ${what} differs by ${worst.toExponential(1)} (relative)`);
}

/**
 * What a few steps of Adam change: norms within 1e-2 (relative), or as far off as one element in 64 can move them.
 *
 * Adam's first steps are signs of gradients. An element whose gradient is below the rounding errors of float32 steps either
 * way, here or in PyTorch's float64: it ends anywhere between 0 and `longest`, all steps in one direction. Of ARM's
 * `features.4.0.bn1.weight`, 64 elements, one has a first gradient of 3.7e-4 of their root mean square. It moves by -2.0
 * learning rates instead of 0, which is 1.1e-2 of the norm.
 */
export function checkUpdates(
  { update, sizes }: Pick<TakenSteps, 'update' | 'sizes'>,
  expected: Norms,
  longest: number,
  leaveOut: (name: string) => boolean = () => false,
): void {
  const within: string[] = [];
  const names = Object.keys(expected).filter((name) => !leaveOut(name));
  for (const name of names) {
    const [actual, value] = [update[name] ?? Number.NaN, expected[name] ?? Number.NaN];
    if (Math.abs(actual / value - 1) < 1e-2) continue;
    const ofOne = Math.abs(actual ** 2 - value ** 2) / longest ** 2;
    const message = `update of ${name}: norm ${actual}, not ${value}; as of ${ofOne} elements of ${sizes[name]}`;
    assert.ok(ofOne <= Math.floor((sizes[name] ?? Number.NaN) / 64), message);
    within.push(name);
  }
  assert.ok(names.length > 10);
  // Chance, not a rule: few of them.
  assert.ok(within.length <= names.length / 20, within.join());
  console.log(`updates off by elements without a certain sign: ${within.join() || 'none'}`);
}
