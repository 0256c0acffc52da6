/**
 * Two ranks of this machine train on its WebGPU adapter, which they share. Rank 0 trains the same on the CPU, alone, with their shares as
 * micro-batches, and tells by how much the two differ, relative to the largest value of each array, as JSON.
 */
import { itemAt } from '../../src/common/item-at.js';
import { random } from '../../src/common/random.js';
import { parseNetwork } from '../../src/models/registry.js';
import { Communicator } from '../../src/node/ranks/communicator.js';
import { joinRanks } from '../../src/node/ranks/join.js';
import { adam } from '../../src/optim/index.js';
import { Trainer } from '../../src/train/trainer.js';

const share = 3;
const [numClasses, inputChannels, imageSize] = [3, 1, 16];
const stages = [4, 8].map((channels) => ({ channels, blocks: 1 }));
const config = { numClasses, imageSize, inputChannels, stages };
const network = parseNetwork({ name: 'resnet8', config }, 'this test');
const pixels = inputChannels * imageSize ** 2;
// A large epsilon: with a small one Adam divides rounding errors by rounding errors where a gradient is zero.
const settings = { network, optimizer: adam(1e-3, { eps: 1e-3 }), rho: 0.05, seed: 7 };

function batch(step: number, from: number, to: number) {
  const r = random(7, 'pictures', step);
  const images = Float32Array.from({ length: 2 * share * pixels }, () => r.normal());
  const labels = Int32Array.from({ length: 2 * share }, () => r.int(numClasses));
  return { size: to - from, images: images.slice(from * pixels, to * pixels), labels: labels.slice(from, to) };
}

async function trained(trainer: Trainer, from: number, to: number): Promise<Map<string, Float32Array>> {
  const losses: number[] = [];
  for (let step = 0; step < 2; step++) losses.push((await trainer.step(batch(step, from, to))).loss);
  const { parameters } = await trainer.snapshot();
  const arrays = [...parameters].map(([name, values]) => [name, values.slice()] as const);
  await trainer.dispose();
  return new Map([['losses', Float32Array.from(losses)], ...arrays]);
}

const ranks = new Communicator(await joinRanks({ ranks: 2 }));
const { rank } = ranks;
const own = await Trainer.create({ ...settings, device: 'webgpu', reducer: ranks });
const together = await trained(own, rank * share, (rank + 1) * share);
if (rank === 0) {
  const alone = await Trainer.create({ ...settings, device: 'cpu', threads: 1, microBatch: share });
  const expected = await trained(alone, 0, 2 * share);
  let worst = 0;
  for (const [name, values] of expected) {
    const found = together.get(name) ?? new Float32Array();
    const largest = values.reduce((most, value) => Math.max(most, Math.abs(value)), 1e-3);
    values.forEach((value, i) => {
      worst = Math.max(worst, Math.abs(value - itemAt(found, i)) / largest);
    });
  }
  console.log(JSON.stringify({ arrays: expected.size, worst }));
}
await ranks.close();
