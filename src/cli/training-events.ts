import { messageOf } from '../common/errors.js';
import {
  type EventFile,
  epochScalars,
  epochsOf,
  lastToldEpoch,
  openEvents,
  type RunEpoch,
  settingsMarkdown,
} from '../report/index.js';
import type { RunOptions } from '../train/options.js';
import type { TrainListener } from '../train/train.js';

/** Batches of an epoch whose loss is written: enough for a curve, and small files. */
const pointsAnEpoch = 50;

/**
 * A listener that tells another one everything, and writes TensorBoard's event files into a run's folder as training goes
 * on: loss and learning rate of some batches, the figures of every epoch, the configuration. Steps are updates. Epochs that
 * the history tells and the folder's event files do not, because the run was killed in between, are written first. That a
 * file cannot be written is said once and does not stop training.
 */
export function withEvents(
  listener: TrainListener,
  folder: string,
  run: RunOptions,
): { readonly listener: TrainListener; readonly stop: () => Promise<void> } {
  let file: EventFile | undefined;
  let failed = false;
  // One after the other: the file is opened only once those of before have been read.
  let last: Promise<void> = Promise.resolve();
  const attempt = (work: () => void | Promise<void>): void => {
    last = last.then(async () => {
      if (failed) return;
      try {
        await work();
      } catch (error) {
        failed = true;
        listener.onNote?.(`TensorBoard will not show this run any further. ${messageOf(error)}`);
      }
    });
  };
  const begin = async (step: number, epochs: readonly RunEpoch[]): Promise<void> => {
    const told = await lastToldEpoch(folder, step);
    // What was written for later steps before a crash is void: they come again.
    file = openEvents(folder, { from: step + 1 });
    file.text('configuration', settingsMarkdown(run));
    for (const epoch of epochs) if (epoch.epoch > told) file.scalars(epoch.step, epochScalars(epoch));
  };
  let every = 1;
  return {
    listener: {
      ...listener,
      onStart: (info) => {
        listener.onStart?.(info);
        every = Math.ceil(info.batches / pointsAnEpoch);
        attempt(() => begin(info.step, epochsOf(info.history, 'the history')));
      },
      onStep: (progress) => {
        listener.onStep?.(progress);
        const { batch, step, loss, lr } = progress;
        if (batch % every === 0) attempt(() => file?.scalars(step, { 'loss/batch': loss, learning_rate: lr }));
      },
      onEpoch: (summary, validation) => {
        listener.onEpoch?.(summary, validation);
        attempt(() => file?.scalars(summary.step, epochScalars(summary)));
      },
    },
    stop: async () => {
      await last;
      file?.close();
      file = undefined;
      failed = true;
    },
  };
}
