import * as z from 'zod';
import { countText } from '../../common/count-text.js';
import { affectnet7, affectnet8, caers, compareLabels } from '../../common/label-sets.js';
import type { LabelSet } from '../../common/labels.js';
import { learningRate, scheduleNames, scheduleOf } from '../../optim/index.js';
import type { ResumeSettings } from '../checkpoints/index.js';
import type { Source } from './source.js';

/** What the run that made a checkpoint was trained with, as far as going on with it takes. */
const optionsSchema = z.object({
  lr: z.number().gt(0),
  schedule: z.enum(scheduleNames),
  gamma: z.number().gt(0).max(1).default(0.98),
  warmUp: z.number().min(0).default(0),
  epochs: z.int().min(1),
  rho: z.number().min(0).default(0.05),
  weightDecay: z.number().min(0).default(0),
});

/** Learning rates of the published scripts by the classes of their datasets; of RAF-DB, and for all others, the first. */
const [rafdbRate, affectnetRate, caersRate] = [3.5e-5, 1e-6, 4e-5] as const;
/** What each epoch leaves of it. */
const publishedDecay = 0.98;

/** Any number serves: rates are asked for at the beginning of an epoch only. */
const stepsPerEpoch = 1000;

/**
 * How the published script goes on with a checkpoint: as the run that made it, else as the optimizer in its file, else as
 * the published recipe for its classes.
 * @param epoch epochs that are finished
 * @returns the settings, and where they come from in words
 */
export function resumeSettings(
  source: Source,
  epoch: number,
): { readonly settings: ResumeSettings; readonly from: string } {
  const { description, training } = source;
  const own = optionsSchema.safeParse(description.training?.options);
  if (own.success) {
    const { lr, epochs, rho, weightDecay } = own.data;
    const rate = learningRate(scheduleOf(own.data), { step: epoch * stepsPerEpoch, stepsPerEpoch, epochs });
    return {
      settings: { learningRate: rate, initialLearningRate: lr, rho, weightDecay },
      from: 'what the run that made it had reached',
    };
  }
  const usual = { rho: 0.05, weightDecay: 0 };
  if (training.learningRate !== undefined) {
    const rate = training.learningRate;
    return {
      settings: { ...usual, learningRate: rate, initialLearningRate: rate },
      from: `what the optimizer in ${source.path} had`,
    };
  }
  const first = publishedRate(description.labels);
  return {
    settings: { ...usual, learningRate: first * publishedDecay ** epoch, initialLearningRate: first },
    from: `the published recipe's after ${countText(epoch, 'epoch')}, since ${source.path} has none`,
  };
}

function publishedRate(labels: LabelSet): number {
  const isOf = (set: LabelSet): boolean => labels.name === set.name && compareLabels(labels, set).kind === 'same';
  if (isOf(affectnet7) || isOf(affectnet8)) return affectnetRate;
  return isOf(caers) ? caersRate : rafdbRate;
}
