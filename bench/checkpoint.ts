import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { rafdb } from '../src/common/label-sets.js';
import { random } from '../src/common/random.js';
import { buildInference, modelNamed } from '../src/models/index.js';
import { initialize } from '../src/nn/index.js';
import { saveModel } from '../src/node/checkpoints/index.js';

/** A checkpoint of the full network with random weights, in a temporary folder: speed does not depend on the values. */
export async function writeBenchCheckpoint(): Promise<{ readonly folder: string; readonly path: string }> {
  const { network, name, preprocessing } = modelNamed('poster-v2');
  const { parameters } = buildInference(network);
  const folder = await mkdtemp(join(tmpdir(), 'poster-bench-'));
  const path = join(folder, 'random.safetensors');
  await saveModel(path, {
    model: { name, config: network.config },
    labels: rafdb,
    preprocessing,
    parameters: new Map(
      [...parameters.values()].map((spec) => [
        spec.name,
        { shape: spec.shape, data: initialize(spec, random(0, spec.name)) },
      ]),
    ),
  });
  return { folder, path };
}
