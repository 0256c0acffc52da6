import { elements } from '../../src/graph/index.js';
import { buildInference, type PosterV2Config, posterV2Config, posterV2Network } from '../../src/models/index.js';
import { lower } from '../../src/passes/index.js';
import { floats, GpuSession, hostTensor } from '../../src/runtime/index.js';
import { fill, images } from '../support/fill.js';
import { readFixture } from '../support/fixtures.js';
import type { Comparison } from './optimizer-cases.js';

/** Logits of the published POSTER V2 on WebGPU beside PyTorch's, for the first `batch` golden pictures. */
export async function compareForward(layout: 'NCHW' | 'NHWC', batch: number): Promise<Comparison[]> {
  const golden = readFixture<{ num_classes: number; logits: number[][] }>('golden/forward-7.json');
  const config: PosterV2Config = { ...posterV2Config, numClasses: golden.num_classes };
  const { graph: program, parameters } = buildInference(posterV2Network(config));
  const session = await GpuSession.create(lower(program, 'webgpu'), {
    layout,
    place: (name) => fill(name, parameters.get(name)?.shape ?? []),
  });
  const dims = [batch, config.inputChannels, config.imageSize, config.imageSize];
  const pictures = images(golden.logits.length).subarray(0, elements(dims));
  const { host } = await session.run(new Map([['pixel_values', hostTensor('float32', pictures, dims)]]));
  await session.dispose();
  return [
    {
      what: 'logits',
      actual: floats(host.get('logits')),
      expected: Float32Array.from(golden.logits.slice(0, batch).flat()),
    },
  ];
}
