import { messageOf, UserError } from '../../common/errors.js';
import type { Calibration, ConfusionMatrix } from '../../metrics/index.js';
import type { TrainListener } from '../runs/job.js';
import type { RunOptions } from '../runs/options.js';
import {
  type EpochFigures,
  type EventFile,
  epochImages,
  epochScalars,
  epochsOf,
  hyperparametersAtEnd,
  hyperparametersAtStart,
  lastRecordedEpoch,
  openEvents,
  type PluginRecord,
  type RunEpoch,
  settingsMarkdown,
} from './index.js';

/** Batches of an epoch whose loss is written: enough for a curve, and small files. */
const pointsAnEpoch = 50;

/**
 * A listener that tells another one everything, and writes TensorBoard's event files into a run's folder as training goes
 * on: loss and learning rate of some batches, the figures of every epoch, charts of those that are the best so far, the
 * configuration, as text and as hyper-parameters. Steps are updates. Epochs that
 * the history tells and the folder's event files do not, because the run was killed in between, are written first. That a
 * file cannot be written is said once and does not stop training.
 */
export function withEvents(
  listener: TrainListener,
  folder: string,
  run: RunOptions,
  draw = epochImages,
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
        const settings = error instanceof UserError ? error.settings : [];
        listener.onNote?.(`TensorBoard will not show this run any further. ${messageOf(error)}`, settings);
      }
    });
  };
  const begin = async (step: number, epochs: readonly RunEpoch[]): Promise<void> => {
    const recorded = await lastRecordedEpoch(folder, step);
    // What was written for later steps before a crash is void: they come again.
    file = openEvents(folder, { from: step + 1 });
    file.text('configuration', settingsMarkdown(run));
    plugin(hyperparametersAtStart(run, Date.now() / 1000));
    for (const epoch of epochs) {
      if (epoch.epoch > recorded) await tellEpoch(epoch, epoch.confusion, epoch.best ? epoch.calibration : undefined);
    }
  };
  const plugin = ({ tag, name, content }: PluginRecord): void => file?.plugin(tag, name, content);
  const tellEpoch = async (
    figures: EpochFigures & { readonly step: number },
    confusion: ConfusionMatrix | undefined,
    calibration: Calibration | undefined,
  ): Promise<void> => {
    const images =
      confusion === undefined || calibration === undefined
        ? {}
        : await draw(confusion, calibration, labels, `epoch ${figures.epoch}`);
    file?.scalars(figures.step, epochScalars(figures), undefined, images);
    if (figures.epoch === run.epochs) plugin(hyperparametersAtEnd(Date.now() / 1000));
  };
  let labels: readonly string[] = [];
  let every = 1;
  return {
    listener: {
      ...listener,
      onStart: (info) => {
        listener.onStart?.(info);
        ({ labels } = info);
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
        const { confusion, calibration } = validation;
        attempt(() => tellEpoch(summary, confusion, summary.best ? calibration : undefined));
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
