import { messageOf } from '../common/errors.js';
import { type EventFile, epochScalars, openEvents, settingsMarkdown } from '../report/index.js';
import type { RunOptions } from '../train/options.js';
import type { TrainListener } from '../train/train.js';
import { note } from './context.js';

/** Batches of an epoch whose loss is written: enough for a curve, and small files. */
const pointsAnEpoch = 50;

/**
 * A listener that tells another one everything, and writes TensorBoard's event files into a run's folder as training goes
 * on: loss and learning rate of some batches, the figures of every epoch, the configuration. Steps are updates. That a
 * file cannot be written is said once and does not stop training.
 */
export function withEvents(
  told: TrainListener,
  folder: string,
  run: RunOptions,
): { readonly listener: TrainListener; readonly stop: () => void } {
  let file: EventFile | undefined;
  let failed = false;
  let batches = 0;
  const attempt = (work: (file: EventFile) => void, first: number): void => {
    if (failed) return;
    try {
      if (file === undefined) {
        // What was written for these steps before a crash is void: they come again.
        file = openEvents(folder, { from: first });
        file.text('configuration', settingsMarkdown(run));
      }
      work(file);
    } catch (error) {
      failed = true;
      note(`TensorBoard will not show this run any further. ${messageOf(error)}`);
    }
  };
  return {
    listener: {
      ...told,
      onStep: (progress) => {
        told.onStep?.(progress);
        ({ batches } = progress);
        const step = (progress.epoch - 1) * batches + progress.batch;
        const every = Math.ceil(batches / pointsAnEpoch);
        attempt((events) => {
          if (progress.batch % every !== 0) return;
          events.scalars(step, { 'loss/batch': progress.loss, learning_rate: progress.lr });
        }, step);
      },
      onEpoch: (summary) => {
        told.onEpoch?.(summary);
        const step = summary.epoch * batches;
        attempt((events) => events.scalars(step, epochScalars(summary)), step);
      },
    },
    stop: () => {
      file?.close();
      file = undefined;
      failed = true;
    },
  };
}
