import { defined } from '../../common/defined.js';
import { UserError } from '../../common/errors.js';
import { percent } from '../../common/percent.js';
import { NoTemperatureError } from '../../metrics/index.js';
import { loadClassifier } from '../../recognize/index.js';
import { amendModel } from '../checkpoints/index.js';
import { type FittedTemperature, temperatureFor } from '../measure/index.js';
import type { TrainJob, TrainListener, TrainResult } from './job.js';
import type { RunOptions } from './options.js';
import type { RunData } from './run-data.js';

/**
 * Fits a temperature to a run's best weights on the pictures that were kept for it, and stores it with them. A run whose
 * pictures leave it open is finished all the same: a note says why.
 * @returns the temperature, null where there is none, and the pictures that could not be read
 * @throws UserError where a picture cannot be read and `strict` asks for all
 */
export async function storeTemperature(
  checkpoint: string | null,
  { calibration: pictures, labels }: RunData,
  { device, threads, workers, strict }: Pick<TrainJob, 'device' | 'threads' | 'workers' | 'strict'>,
  { calibration, seed }: RunOptions,
  listener: Pick<TrainListener, 'onNote'>,
): Promise<Pick<TrainResult, 'temperature' | 'skipped'>> {
  if (checkpoint === null || pictures === undefined) return { temperature: null, skipped: [] };
  const classifier = await loadClassifier(checkpoint, { device, raw: true, ...defined({ threads }) });
  try {
    const words = `${percent(calibration)}% held out of split '${pictures.split}' of ${labels.name}, seed ${seed}`;
    const fitted = await fittedOrNot(
      temperatureFor(classifier, pictures, words, { strict, ...defined({ workers }) }),
      strict,
      listener,
    );
    if (fitted === undefined) return { temperature: null, skipped: [] };
    const { record, skipped } = fitted;
    await amendModel(checkpoint, checkpoint, { ...classifier.description, temperature: record });
    return { temperature: record.value, skipped };
  } finally {
    await classifier.dispose();
  }
}

/** Undefined, with a note, where the pictures leave it open, or none of them can be read. */
async function fittedOrNot(
  fit: Promise<FittedTemperature>,
  strict: boolean,
  listener: Pick<TrainListener, 'onNote'>,
): Promise<FittedTemperature | undefined> {
  try {
    return await fit;
  } catch (error) {
    const isOpen =
      error instanceof NoTemperatureError || (!strict && error instanceof UserError && error.kind === 'input');
    if (!isOpen) throw error;
    listener.onNote?.(`Note: the weights have no temperature: ${error.message}`);
    return undefined;
  }
}
