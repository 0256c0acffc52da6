import assert from 'node:assert/strict';
import { random } from '../../src/common/random.js';
import { elements } from '../../src/graph/index.js';
import { type PosterV2Config, posterV2Network } from '../../src/models/index.js';
import { adam, adamw } from '../../src/optim/index.js';
import { DeviceTensor } from '../../src/runtime/index.js';
import { CpuEngine } from '../../src/train/cpu-engine.js';
import type { Engine, EngineOptions, Gradients, MicroBatch, Pass, Snapshot } from '../../src/train/engine.js';
import { GpuEngine } from '../../src/train/gpu-engine.js';
import { trainingProgram } from '../../src/train/program.js';
import { fill } from '../support/fill.js';
import { tiny, tinyLandmark } from './training-case.js';

const program = trainingProgram(posterV2Network(tiny), { device: 'cpu' });
const start = new Map([...program.parameters.values()].map(({ name, shape }) => [name, fill(name, shape)]));
const steps = 3;
const last = steps - 1;
const learningRate = 1e-3;

/** Micro-batches of a step: two, of different sizes. */
function batches(step: number): MicroBatch[] {
  const sizes = [3, 2];
  return sizes.map((size, index) => {
    // Pictures with which no PReLU of the small network has an input within rounding of 0: there, a difference in the
    // last bit turns the slope, and with it gradients by a hundredth.
    const r = random(7, 'batch', step, index);
    const draw = (count: number, value: () => number): Float32Array => Float32Array.from({ length: count }, value);
    const targets = new Float32Array(size * tiny.numClasses);
    for (let i = 0; i < size; i++) targets[i * tiny.numClasses + r.int(tiny.numClasses)] = 1;
    return {
      size,
      images: draw(size * tiny.inputChannels * tiny.imageSize ** 2, () => r.normal()),
      targets,
      weight: 1 / 5,
      masks: new Map(
        [...program.masks].map(([name, { value }]) => [
          name,
          draw(elements(value.shape, size), () => (r.next() < 0.3 ? 0 : 1.1)),
        ]),
      ),
    };
  });
}

/** One step; the losses and, in the end, the norm that SAM divided by. */
async function step(engine: Engine, index: number, rho: number, viaHost = false): Promise<number[]> {
  const parts = batches(index);
  const figures: number[] = [];
  // Changes nothing where it goes by the host: the way there and back.
  const exchange = viaHost ? (own: Float32Array) => Promise.resolve(own) : undefined;
  const told = async (pass: Pass): Promise<Gradients> => {
    for (const { losses } of pass.results) figures.push(...losses);
    await pass.moveStatistics(exchange);
    return pass.gradients;
  };
  let gradients = await told(await engine.forwardBackward(parts));
  if (viaHost) await gradients.onHost(() => Promise.resolve());
  if (rho > 0) {
    const climbed = await gradients.climb(rho);
    gradients = await told(await climbed.forwardBackward(parts));
    figures.push(climbed.norm);
  }
  await gradients.update(learningRate);
  return figures;
}

/** Figures, the last snapshot's arrays (copied) and logits of the pictures of the first batch, by name. */
type Trace = Map<string, Float32Array>;

async function traceOf(engine: Engine, from: number, to: number, rho: number, viaHost = false): Promise<Trace> {
  const trace: Trace = new Map();
  for (let i = from; i < to; i++)
    trace.set(`losses of step ${i}`, Float32Array.from(await step(engine, i, rho, viaHost)));
  const [first] = batches(0);
  if (first) trace.set('logits', await engine.logits(first.images, first.size));
  const { parameters, averaged = new Map(), optimizer } = copied(await engine.snapshot());
  for (const [prefix, arrays] of Object.entries({ parameters, averaged, optimizer })) {
    for (const [name, values] of arrays) trace.set(`${prefix} ${name}`, values);
  }
  return trace;
}

function copied(snapshot: Snapshot): Snapshot {
  const copy = (arrays: ReadonlyMap<string, Float32Array>) =>
    new Map([...arrays].map(([name, values]) => [name, values.slice()]));
  const { parameters, averaged, optimizer } = snapshot;
  return {
    ...snapshot,
    parameters: copy(parameters),
    optimizer: copy(optimizer),
    ...(averaged ? { averaged: copy(averaged) } : {}),
  };
}

/** Relative to the largest value of the array; arrays of next to nothing to 1e-3. */
function assertClose(actual: Trace, expected: Trace, tolerance: number): void {
  assert.deepEqual([...actual.keys()], [...expected.keys()]);
  for (const [name, values] of expected) {
    const found = actual.get(name) ?? new Float32Array(0);
    assert.equal(found.length, values.length, name);
    const scale = values.reduce((most, value) => Math.max(most, Math.abs(value)), 1e-3);
    const worst = values.reduce((most, value, i) => Math.max(most, Math.abs(value - (found[i] ?? Number.NaN))), 0);
    // Written so that NaN fails.
    assert.ok(worst / scale < tolerance, `${name} differs by ${worst / scale}`);
  }
}

interface Recipe {
  readonly options: Omit<EngineOptions, 'parameters'>;
  readonly rho: number;
}

/** Its landmark branch is constants of the graphs. */
const frozen: PosterV2Config = { ...tiny, landmark: { ...tinyLandmark, training: 'frozen' } };
// A large epsilon: with a small one Adam divides rounding errors by rounding errors where a gradient is zero.
const eps = 1e-3;
const recipes: Readonly<Record<string, Recipe>> = {
  'Adam and SAM': {
    options: { network: posterV2Network(tiny), optimizer: adam(learningRate, { eps }), ema: 0, clip: 0 },
    rho: 0.05,
  },
  'AdamW, clipped and averaged, landmark branch frozen': {
    options: {
      network: posterV2Network(frozen),
      optimizer: adamw(learningRate, { eps, weightDecay: 0.05 }),
      ema: 0.99,
      clip: 0.5,
    },
    rho: 0,
  },
};

/** Steps on the device beside the same on the CPU; then the last step again from a snapshot before it. */
async function check({ options, rho }: Recipe): Promise<void> {
  const before = DeviceTensor.live;
  const cpu = await CpuEngine.create({ ...options, threads: 1, parameters: start });
  const expected = await traceOf(cpu, 0, steps, rho);
  await cpu.dispose();

  const gpu = await GpuEngine.create({ ...options, parameters: start });
  const held = DeviceTensor.live;
  const losses: Trace = new Map();
  for (let i = 0; i < last; i++) losses.set(`losses of step ${i}`, Float32Array.from(await step(gpu, i, rho)));
  const snapshot = copied(await gpu.snapshot());
  const rest = await traceOf(gpu, last, steps, rho);
  assert.equal(DeviceTensor.live, held, 'tensors were left on the device');
  await gpu.dispose();
  assert.equal(DeviceTensor.live, before);
  assertClose(new Map([...losses, ...rest]), expected, 1e-4);

  const { parameters, ...restore } = snapshot;
  const resumed = await GpuEngine.create({ ...options, parameters, restore });
  assertClose(await traceOf(resumed, last, steps, rho, true), rest, 1e-6);
  await resumed.dispose();
  assert.equal(DeviceTensor.live, before);
}

export const engineCases: Readonly<Record<string, () => Promise<void>>> = Object.fromEntries(
  Object.entries(recipes).map(([name, recipe]) => [
    `engine: ${name} as on the CPU, resumed the same`,
    () => check(recipe),
  ]),
);
