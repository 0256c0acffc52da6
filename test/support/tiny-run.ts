import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { loadTrainState } from '../../src/node/checkpoints/index.js';
import { writeClasses } from './cli.js';

/** Pictures for {@link tinyRun}, in `faces` of a folder. */
export const writeFaces = (dir: string): Promise<void> =>
  writeClasses(join(dir, 'faces', 'train'), ['happy', 'neutral', 'sad'], 6);

/** Options of a training that takes a second: two epochs of three batches, the last of which is smaller. */
export const tinyRun: readonly string[] = [
  ...['--data', 'faces', '--model', 'resnet8', '--device', 'cpu', '--threads', '1', '--workers', '0'],
  ...['--batch-size', '6', '--micro-batch', '3', '--hold-out', '0.2', '--epochs', '2', '--no-tensorboard'],
];

/** Digest of all that a run has learned: weights, averages, optimizer, position, figures. */
export async function learnedIn(folder: string): Promise<string> {
  const { model, state } = await loadTrainState(join(folder, 'last.safetensors'));
  const hash = createHash('sha256');
  const parameters = [...model.parameters].map(([name, { data }]) => [name, data] as const);
  const slots = [...state.optimizer.slots.values()].flatMap((slot) => [...slot]);
  for (const [name, values] of [...parameters, ...slots, ...(state.ema?.arrays ?? [])]) {
    hash.update(name);
    hash.update(new Uint8Array(values.buffer, values.byteOffset, values.byteLength));
  }
  const { epoch, nextBatch, step, best } = state;
  return JSON.stringify({ epoch, nextBatch, step, best, digest: hash.digest('hex') });
}
