import { elements } from '../../src/graph/index.js';
import {
  armConfig,
  armNetwork,
  buildInference,
  type ConfiguredNetwork,
  modelNamed,
  posterV1Config,
  posterV1Network,
  posterV2Config,
  posterV2Network,
} from '../../src/models/index.js';
import { lower } from '../../src/passes/index.js';
import { floats, GpuSession, hostTensor } from '../../src/runtime/index.js';
import { fill, images } from '../support/fill.js';
import { readFixture } from '../support/fixtures.js';
import { execute } from '../support/golden.js';
import type { Comparison } from './optimizer-cases.js';

/** A published network, and the logits that PyTorch gives for the golden pictures. */
interface Published {
  readonly network: ConfiguredNetwork;
  readonly pictures: number;
  readonly logits: readonly (readonly number[])[];
}

const logitsOf = (file: string): readonly (readonly number[])[] =>
  readFixture<{ logits: number[][] }>(`${file}.json`).logits;

export const published: Readonly<Record<'POSTER V2' | 'POSTER V1' | 'ARM', () => Published>> = {
  'POSTER V2': () => {
    const logits = logitsOf('golden/forward-7');
    return { network: posterV2Network(posterV2Config), pictures: logits.length, logits };
  },
  'POSTER V1': () => {
    const logits = logitsOf('golden-v1/forward-small-raf-7');
    const fusion = { ...posterV1Config.fusion, blocks: 4 };
    // The golden pictures are what the backbones see, in whatever order of colours.
    const network = posterV1Network({ ...posterV1Config, channelOrder: 'rgb', fusion });
    return { network, pictures: logits.length, logits };
  },
  ARM: () => {
    const file = 'golden-arm/forward-7.json';
    const golden = readFixture<{ logits: number[][]; 'logits of the first picture alone': number[][] }>(file);
    // Without its batch.
    const logits = golden['logits of the first picture alone'];
    return { network: armNetwork(armConfig), pictures: golden.logits.length, logits };
  },
};

/** Logits on WebGPU beside PyTorch's, for the first `batch` golden pictures. */
export async function comparePublished(
  name: keyof typeof published,
  layout: 'NCHW' | 'NHWC',
  batch: number,
): Promise<Comparison[]> {
  const { network, pictures, logits } = published[name]();
  const actual = await logitsOnGpu(network, layout, pictures, batch);
  return [{ what: 'logits', actual, expected: Float32Array.from(logits.slice(0, batch).flat()) }];
}

/** Logits on WebGPU beside those on the CPU, which golden numbers hold. */
export async function compareWithCpu(model: string): Promise<Comparison[]> {
  const { network } = modelNamed(model);
  const { logits } = await execute(buildInference(network).graph, network, 2);
  const expected = Float32Array.from((logits?.data ?? []) as Float32Array);
  return [{ what: 'logits', actual: await logitsOnGpu(network, 'NCHW', 2, 2), expected }];
}

async function logitsOnGpu(
  network: ConfiguredNetwork,
  layout: 'NCHW' | 'NHWC',
  pictures: number,
  batch: number,
): Promise<Float32Array> {
  const { graph: program, parameters } = buildInference(network);
  const { inputChannels, imageSize } = network.config;
  const session = await GpuSession.create(lower(program, 'webgpu'), {
    layout,
    placement: (name) => fill(name, parameters.get(name)?.shape ?? []),
  });
  const dims = [batch, inputChannels, imageSize, imageSize];
  const pixels = images(pictures, imageSize, inputChannels).subarray(0, elements(dims));
  const { host } = await session.run(new Map([['pixel_values', hostTensor('float32', pixels, dims)]]));
  await session.dispose();
  return floats(host.get('logits'));
}
