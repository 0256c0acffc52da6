import { gradients } from '../../src/autodiff/index.js';
import { random } from '../../src/common/random.js';
import { concrete, elements, type Graph, graph, input, type Tensor } from '../../src/graph/index.js';
import {
  buildForward,
  type LandmarkConfig,
  type PosterV2Config,
  posterV2NanoConfig,
  posterV2Network,
} from '../../src/models/index.js';
import { statisticDecay } from '../../src/nn/index.js';
import { add, mul, reduceMean, softmaxCrossEntropy } from '../../src/ops/index.js';
import {
  adamw,
  createState,
  flatten,
  momentsOf,
  type OptimizerConfig,
  update,
  updateGraph,
  updateScalars,
  views,
} from '../../src/optim/index.js';
import { lower } from '../../src/passes/index.js';
import {
  CpuSession,
  type DeviceTensor,
  disposeAll,
  downloadAll,
  floats,
  GpuSession,
  type HostTensor,
  hostTensor,
  uploadAll,
} from '../../src/runtime/index.js';
import { fill } from '../support/fill.js';
import type { Comparison } from './optimizer-cases.js';

export const tinyLandmark: LandmarkConfig = {
  stem: 4,
  stages: [
    { channels: 4, blocks: 1, entry: 8, expansion: 8 },
    { channels: 8, blocks: 1, entry: 16, expansion: 16 },
    { channels: 8, blocks: 1, entry: 16, expansion: 16 },
  ],
  head: 16,
  landmarks: 4,
  training: 'trained',
};

/** POSTER V2 with all of its parts, each as small as can be. */
export const tiny: PosterV2Config = {
  ...posterV2NanoConfig,
  numClasses: 3,
  imageSize: 32,
  backboneSize: 32,
  image: {
    stem: 4,
    stages: [
      { channels: 4, units: 2 },
      { channels: 8, units: 1 },
      { channels: 16, units: 1 },
    ],
  },
  landmark: tinyLandmark,
  attention: [
    { window: 4, heads: 2, dropPath: 0.1 },
    { window: 4, heads: 2, dropPath: 0.1 },
    { window: 2, heads: 4, dropPath: 0 },
  ],
  transformer: { embedding: 16, blocks: 2, heads: 2 },
};

const batch = 4;
const steps = 3;

interface Training {
  readonly program: Graph;
  /** Trained parameters and running statistics, as they start. */
  readonly params: ReadonlyMap<string, HostTensor>;
  readonly buffers: ReadonlyMap<string, HostTensor>;
  /** Images, targets and masks. */
  readonly batch: ReadonlyMap<string, HostTensor>;
}

/** The training graph: outputs `loss`, `grad/NAME` for each trained parameter, `next/NAME` for each running statistic. */
function training(): Training {
  const { images, logits, scope } = buildForward(posterV2Network(tiny), 'training');
  const targets = input('targets', 'float32', logits.shape);
  const loss = reduceMean(softmaxCrossEntropy(logits, targets), [0]);
  const trained = [...scope.parameters.values()].filter((spec) => spec.trained);
  const leaves = trained.map(({ name }) => scope.leaves.get(name) as Tensor);
  const outputs = new Map<string, Tensor>([['loss', loss]]);
  gradients(loss, leaves).forEach((gradient, i) => {
    if (gradient) outputs.set(`grad/${trained[i]?.name}`, gradient);
  });
  for (const [name, added] of scope.updates) {
    const running = scope.leaves.get(name) as Tensor;
    outputs.set(`next/${name}`, add(mul(running, statisticDecay), added));
  }
  const start = (names: readonly string[]): Map<string, HostTensor> =>
    new Map(
      names.map((name) => {
        const shape = scope.parameters.get(name)?.shape ?? [];
        return [name, hostTensor('float32', fill(name, shape), shape)];
      }),
    );
  const r = random(3, 'batch');
  const feed = (value: Tensor, draw: () => number): HostTensor => {
    const dims = concrete(value.shape, batch);
    return hostTensor('float32', Float32Array.from({ length: elements(dims) }, draw), dims);
  };
  return {
    program: graph(outputs),
    params: start(trained.filter(({ name }) => outputs.has(`grad/${name}`)).map(({ name }) => name)),
    buffers: start([...scope.updates.keys()]),
    batch: new Map([
      ['pixel_values', feed(images, () => r.normal())],
      ['targets', feed(targets, () => r.next() / 2)],
      ...[...scope.masks].map(([name, mask]) => [name, feed(mask.value, () => (r.next() < 0.3 ? 0 : 1.1))] as const),
    ]),
  };
}

const config: OptimizerConfig = adamw(1e-3, { weightDecay: 0.05, eps: 1e-3 });

/**
 * Some steps of training with everything kept on the device, beside the same on the CPU: losses, parameters and running
 * statistics.
 */
export async function compareTraining(): Promise<Comparison[]> {
  const task = training();
  const expected = await trainOnCpu(task);
  const actual = await trainOnGpu(task);
  return [...expected].map(([what, values]) => ({ what, actual: floats(actual.get(what)), expected: floats(values) }));
}

async function trainOnCpu({ program, params, buffers, batch: fed }: Training): Promise<Map<string, HostTensor>> {
  const session = await CpuSession.create(lower(program, 'cpu'), { threads: 1 });
  const layout = flatten(new Map([...params].map(([name, { dims }]) => [name, dims])));
  const flat = new Float32Array(layout.total);
  const state = createState(config, layout);
  const held = new Map(buffers);
  for (const [name, view] of views(layout, flat)) {
    view.set(floats(params.get(name)));
    held.set(name, hostTensor('float32', view, params.get(name)?.dims ?? []));
  }
  const results = new Map<string, HostTensor>();
  for (let step = 1; step <= steps; step++) {
    const outputs = await session.run(new Map([...held, ...fed]));
    results.set(`loss ${step}`, outputs.get('loss') as HostTensor);
    const slopes = new Map([...params.keys()].map((name) => [name, floats(outputs.get(`grad/${name}`))]));
    update(config, state, layout, flat, slopes);
    for (const name of buffers.keys()) held.set(name, outputs.get(`next/${name}`) as HostTensor);
  }
  await session.dispose();
  return new Map([...results, ...held]);
}

async function trainOnGpu({ program, params, buffers, batch: fed }: Training): Promise<Map<string, HostTensor>> {
  const session = await GpuSession.create(lower(program, 'webgpu'), { keepOnDevice: (name) => name !== 'loss' });
  const shapes = new Map([...params].map(([name, { dims }]) => [name, dims]));
  const optimizer = await GpuSession.create(lower(updateGraph(config, shapes), 'webgpu'), { keepOnDevice: () => true });
  const moments = momentsOf(config).flatMap((kind) =>
    [...params].map(([name, { data, dims }]) => {
      const zeros: HostTensor = hostTensor('float32', new Float32Array(data.length), dims);
      return [`${kind}/${name}`, zeros] as const;
    }),
  );
  const held = await uploadAll(new Map([...params, ...buffers, ...moments]));
  const results = new Map<string, HostTensor>();
  for (let step = 1; step <= steps; step++) {
    const { host, device } = await session.run(new Map(pairs(held, fed)));
    results.set(`loss ${step}`, host.get('loss') as HostTensor);
    const scalars = Object.entries(updateScalars(config, step, config.lr)).map(
      ([name, value]): [string, HostTensor] => [name, hostTensor('float32', Float32Array.of(value), [])],
    );
    const updated = await optimizer.run(new Map(pairs(new Map([...held, ...device]), new Map(scalars))));
    for (const [name, old] of held) {
      const next = updated.device.get(`next/${name}`) ?? device.get(`next/${name}`);
      if (next === undefined) throw new Error(`nothing takes the place of ${name}`);
      old.dispose();
      held.set(name, next);
    }
    disposeAll([...device].filter(([name]) => name.startsWith('grad/')).map(([, tensor]) => tensor));
  }
  // The tensors must outlive the sessions that made them.
  await session.dispose();
  await optimizer.dispose();
  const final = await downloadAll(held);
  disposeAll(held.values());
  return new Map([...results, ...final]);
}

type Feeds<T> = ReadonlyMap<string, T>;

function pairs(device: Feeds<DeviceTensor>, host: Feeds<HostTensor>): [string, HostTensor | DeviceTensor][] {
  return [...host, ...device];
}
