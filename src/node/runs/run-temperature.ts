import { defined } from '../../common/defined.js';
import { UserError } from '../../common/errors.js';
import { percent } from '../../common/percent.js';
import { loadClassifier } from '../../recognize/index.js';
import { amendModel } from '../checkpoints/index.js';
import { temperatureFor } from '../measure/index.js';
import type { TrainJob, TrainListener } from './job.js';
import type { RunOptions } from './options.js';
import type { RunData } from './run-data.js';

/**
 * Fits a temperature to a run's best weights on the pictures that were kept for it, and stores it with them. A run whose
 * pictures leave it open is finished all the same: a note says why.
 * @returns null where there is none
 */
export async function storeTemperature(
  checkpoint: string | null,
  { calibration: pictures, labels }: RunData,
  { device, threads, workers, strict }: Pick<TrainJob, 'device' | 'threads' | 'workers' | 'strict'>,
  { calibration, seed }: RunOptions,
  listener: Pick<TrainListener, 'onNote'>,
): Promise<number | null> {
  if (checkpoint === null || pictures === undefined) return null;
  const classifier = await loadClassifier(checkpoint, { device, raw: true, ...defined({ threads }) });
  try {
    const words = `${percent(calibration)}% held out of split '${pictures.split}' of ${labels.name}, seed ${seed}`;
    const { record } = await temperatureFor(classifier, pictures, words, { strict, ...defined({ workers }) });
    await amendModel(checkpoint, checkpoint, { ...classifier.description, temperature: record });
    return record.value;
  } catch (error) {
    if (!(error instanceof UserError) || error.kind !== 'input') throw error;
    listener.onNote?.(`Note: the weights have no temperature: ${error.message}`);
    return null;
  } finally {
    await classifier.dispose();
  }
}
