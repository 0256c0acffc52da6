import { loadModel, saveModel } from '../../src/node/checkpoints/index.js';
import { bundledCheckpoint } from '../../src/node/host/bundled-weights.js';

/**
 * The bundled network in float32, without its temperature and its second head: what every format keeps unchanged.
 * @returns the path
 */
export async function saveBundledNetwork(path: string): Promise<string> {
  const { temperature: _, heads: __, headTensors: ___, ...network } = await loadModel(bundledCheckpoint());
  await saveModel(path, network);
  return path;
}
