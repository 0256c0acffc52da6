import assert from 'node:assert/strict';
import { itemAt } from '../../src/common/item-at.js';
import { random } from '../../src/common/random.js';
import { elements } from '../../src/graph/index.js';
import { type ConfiguredNetwork, modelNamed, type PosterV2Config, posterV2Network } from '../../src/models/index.js';
import { adam, adamw } from '../../src/optim/index.js';
import { DeviceTensor } from '../../src/runtime/index.js';
import { CpuEngine } from '../../src/train/cpu-engine.js';
import type { Engine, EngineOptions, Gradients, MicroBatch, Pass, Snapshot } from '../../src/train/engine.js';
import { GpuEngine } from '../../src/train/gpu-engine.js';
import { type TrainingProgram, trainingProgram } from '../../src/train/program.js';
import { targetOf } from '../../src/train/target.js';
import { fill } from '../support/fill.js';
import { tiny, tinyLandmark } from './training-case.js';

const steps = 3;
const last = steps - 1;
const learningRate = 1e-3;

interface Recipe {
  readonly options: Omit<EngineOptions, 'parameters' | 'program'>;
  readonly rho: number;
  /** What the names of parameters begin with that nothing moves, beside what the network says. */
  readonly frozen?: readonly string[];
}

/** A recipe with the first values of its network's parameters, and micro-batches for each step. */
interface Task extends Recipe {
  readonly start: ReadonlyMap<string, Float32Array>;
  readonly batches: readonly (readonly MicroBatch[])[];
}

function taskOf(recipe: Recipe, program: TrainingProgram): Task {
  const { network } = recipe.options;
  const start = new Map([...program.parameters.values()].map(({ name, shape }) => [name, fill(name, shape)]));
  return { ...recipe, start, batches: Array.from({ length: steps }, (_, step) => batchesOf(network, program, step)) };
}

/** Micro-batches of a step: two, of different sizes. */
function batchesOf({ config }: ConfiguredNetwork, { masks }: TrainingProgram, step: number): MicroBatch[] {
  const { numClasses, inputChannels, imageSize } = config;
  const sizes = [3, 2];
  return sizes.map((size, index) => {
    // Pictures with which no PReLU of the small network has an input within rounding of 0: there, a difference in the
    // last bit turns the slope, and with it gradients by a hundredth.
    const r = random(7, 'batch', step, index);
    const draw = (count: number, value: () => number): Float32Array => Float32Array.from({ length: count }, value);
    const targets = new Float32Array(size * numClasses);
    for (let i = 0; i < size; i++) targets[i * numClasses + r.int(numClasses)] = 1;
    return {
      size,
      images: draw(size * inputChannels * imageSize ** 2, () => r.normal()),
      targets,
      weight: 1 / 5,
      masks: new Map(
        [...masks].map(([name, { value }]) => [
          name,
          draw(elements(value.shape, size), () => (r.next() < 0.3 ? 0 : 1.1)),
        ]),
      ),
    };
  });
}

/** One step; the losses and, in the end, the norm that SAM divided by. */
async function step(engine: Engine, { rho, batches }: Task, index: number, viaHost = false): Promise<number[]> {
  const parts = itemAt(batches, index);
  const figures: number[] = [];
  // Changes nothing where it goes by the host: the way there and back.
  const exchange = viaHost ? (own: Float32Array) => Promise.resolve(own) : undefined;
  const recorded = async (pass: Pass): Promise<Gradients> => {
    for (const { losses } of pass.results) figures.push(...losses);
    await pass.moveStatistics(exchange);
    return pass.gradients;
  };
  let gradients = await recorded(await engine.forwardBackward(parts));
  if (viaHost) await gradients.onHost(() => Promise.resolve());
  if (rho > 0) {
    const climbed = await gradients.climb(rho);
    gradients = await recorded(await climbed.forwardBackward(parts));
    figures.push(climbed.norm);
  }
  await gradients.update(learningRate);
  return figures;
}

/** Figures, the last snapshot's arrays (copied) and logits of the pictures of the first batch, by name. */
type Trace = Map<string, Float32Array>;

async function traceOf(engine: Engine, task: Task, from: number, viaHost = false): Promise<Trace> {
  const trace: Trace = new Map();
  for (let i = from; i < steps; i++)
    trace.set(`losses of step ${i}`, Float32Array.from(await step(engine, task, i, viaHost)));
  const first = itemAt(itemAt(task.batches, 0), 0);
  trace.set('logits', await engine.logits(first.images, first.size));
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

/** Its landmark branch is constants of the graphs. */
const frozen: PosterV2Config = { ...tiny, landmark: { ...tinyLandmark, training: 'frozen' } };
// A large epsilon: with a small one Adam divides rounding errors by rounding errors where a gradient is zero.
const eps = 1e-3;
const samRecipe = (network: ConfiguredNetwork): Recipe => ({
  options: { network, optimizer: adam(learningRate, { eps }), ema: 0, clip: 0 },
  rho: 0.05,
});
const averagedRecipe = (network: ConfiguredNetwork): Recipe => ({
  options: { network, optimizer: adamw(learningRate, { eps, weightDecay: 0.05 }), ema: 0.99, clip: 0.5 },
  rho: 0,
});

/** What an engine does with gradients is the same for every network, and this one is ready in a fraction of the time. */
const plain = modelNamed('resnet8').network.family.parse('resnet8', {
  numClasses: 3,
  imageSize: 16,
  inputChannels: 1,
  stages: [
    { channels: 4, blocks: 1 },
    { channels: 8, blocks: 1 },
  ],
});

const recipes: Readonly<Record<string, Recipe>> = {
  'Adam and SAM': samRecipe(plain),
  'AdamW, clipped and averaged, a part frozen': { ...averagedRecipe(plain), frozen: ['conv1', 'bn1', 'layer1'] },
};

/** What the two above say of the network with masks, and with a landmark branch that is frozen or trained. */
const longRecipes: Readonly<Record<string, Recipe>> = {
  'AdamW, clipped and averaged, landmark branch of POSTER V2 frozen': averagedRecipe(posterV2Network(frozen)),
  'Adam and SAM, POSTER V2': samRecipe(posterV2Network(tiny)),
};

/** Steps on the device beside the same on the CPU; then the last step again from a snapshot before it. */
async function check(recipe: Recipe): Promise<void> {
  const { options, frozen = [] } = recipe;
  const onCpu = trainingProgram(options.network, await targetOf('cpu'), frozen);
  const task = taskOf(recipe, onCpu);
  const { start } = task;
  const before = DeviceTensor.live;
  const cpu = await CpuEngine.create({ ...options, program: onCpu, threads: 1, parameters: start });
  const expected = await traceOf(cpu, task, 0);
  await cpu.dispose();

  const program = trainingProgram(options.network, { device: 'webgpu' }, frozen);
  const gpu = await GpuEngine.create({ ...options, program, parameters: start });
  const held = DeviceTensor.live;
  const losses: Trace = new Map();
  for (let i = 0; i < last; i++) losses.set(`losses of step ${i}`, Float32Array.from(await step(gpu, task, i)));
  const snapshot = copied(await gpu.snapshot());
  const rest = await traceOf(gpu, task, last);
  assert.equal(DeviceTensor.live, held, 'tensors were left on the device');
  await gpu.dispose();
  assert.equal(DeviceTensor.live, before);
  assertClose(new Map([...losses, ...rest]), expected, 1e-4);

  const { parameters, ...restore } = snapshot;
  const resumed = await GpuEngine.create({ ...options, program, parameters, restore });
  assertClose(await traceOf(resumed, task, last, true), rest, 1e-6);
  await resumed.dispose();
  assert.equal(DeviceTensor.live, before);
}

type Cases = Readonly<Record<string, () => Promise<void>>>;

const casesOf = (given: Readonly<Record<string, Recipe>>): Cases =>
  Object.fromEntries(
    Object.entries(given).map(([name, recipe]) => [
      `engine: ${name} as on the CPU, resumed the same`,
      () => check(recipe),
    ]),
  );

export const engineCases = casesOf(recipes);
export const longEngineCases = casesOf(longRecipes);
