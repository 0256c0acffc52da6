import { UserError } from '../common/errors.js';
import { type Evaluation, evaluate } from '../metrics/index.js';
import type { DropMask } from '../nn/index.js';
import type { Batch, Loader } from '../node/datasets/index.js';
import type { Engine, MicroBatch } from './engine.js';
import { drawMasks } from './masks.js';

/** Sums over the pictures of an epoch so far. */
export interface Tally {
  loss: number;
  correct: number;
  samples: number;
}

export interface StepOptions {
  readonly classes: number;
  readonly microBatch: number;
  readonly rho: number;
  readonly learningRate: number;
  readonly seed: number;
  readonly epoch: number;
  readonly masks: ReadonlyMap<string, DropMask>;
}

/** One optimizer step on a batch; adds to the tally what the batch's first passes gave. */
export async function trainStep(engine: Engine, batch: Batch, tally: Tally, options: StepOptions): Promise<number> {
  const parts = microBatches(batch, options);
  let loss = 0;
  for (const part of parts) {
    const { losses, logits } = await engine.pass(part.input, false);
    for (let i = 0; i < losses.length; i++) {
      loss += losses[i] as number;
      if (argmax(logits, i, options.classes) === batch.labels[part.start + i]) tally.correct++;
    }
  }
  if (!Number.isFinite(loss)) {
    throw new UserError(
      `The loss is no longer a finite number (epoch ${options.epoch + 1}, batch ${batch.index + 1}); lower --lr (it was ` +
        `${options.learningRate}) or add --warm-up. The checkpoints of before are whole.`,
      'diverged',
    );
  }
  tally.loss += loss;
  tally.samples += batch.size;
  if (options.rho > 0) {
    await engine.climb(options.rho);
    for (const part of parts) await engine.pass(part.input, true);
  }
  await engine.update(options.learningRate);
  return loss / batch.size;
}

function microBatches(batch: Batch, options: StepOptions): { start: number; input: MicroBatch }[] {
  const parts: { start: number; input: MicroBatch }[] = [];
  const pixels = batch.images.length / batch.size;
  for (let start = 0; start < batch.size; start += options.microBatch) {
    const end = Math.min(batch.size, start + options.microBatch);
    const size = end - start;
    parts.push({
      start,
      input: {
        size,
        images: batch.images.subarray(start * pixels, end * pixels),
        targets: batch.targets.subarray(start * options.classes, end * options.classes),
        weight: 1 / batch.size,
        masks: drawMasks(options.masks, size, options.seed, [options.epoch, batch.index, start]),
      },
    });
  }
  return parts;
}

function argmax(rows: Float32Array, row: number, width: number): number {
  let best = 0;
  for (let k = 1; k < width; k++) {
    if ((rows[row * width + k] as number) > (rows[row * width + best] as number)) best = k;
  }
  return best;
}

/** Runs the network over every picture of a loader, in order. */
export async function evaluateWith(
  logits: (images: Float32Array, n: number) => Promise<Float32Array>,
  loader: Loader,
  signal?: AbortSignal,
): Promise<Evaluation> {
  const labels: number[] = [];
  const rows: Float32Array[] = [];
  for await (const batch of loader.epoch(0)) {
    signal?.throwIfAborted();
    rows.push(await logits(batch.images, batch.size));
    labels.push(...batch.labels);
  }
  const classes = loader.dataset.labels.labels.length;
  const data = new Float32Array(labels.length * classes);
  let at = 0;
  for (const row of rows) {
    data.set(row, at);
    at += row.length;
  }
  return evaluate(labels, { classes, data });
}
