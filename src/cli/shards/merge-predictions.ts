import { note } from '../context.js';
import { type PredictionOutputFlags, predictionOutputs } from '../prediction-outputs.js';
import { PredictionTally } from '../prediction-tally.js';
import type { CountBar } from '../progress.js';
import { type PredictionFacts, parsePrediction } from './prediction-records.js';

/** What came of pictures, as others have written it down. */
export interface RecordedPredictions {
  readonly facts: PredictionFacts;
  /** How many there are to be. */
  readonly pictures: number;
  /** In their order, each as `predictionRecord` or `failureRecord`. */
  readonly results: AsyncIterable<{ readonly json: string; readonly source: string }>;
  readonly bar?: CountBar;
}

/** Writes what `poster predict` writes. @throws UserError where a record is none of these pictures */
export async function mergePredictions(
  { facts, pictures, results, bar }: RecordedPredictions,
  options: PredictionOutputFlags,
): Promise<void> {
  const { head, aligned, without } = facts;
  const { checkpoint, model, labels } = head;
  const outputs = await predictionOutputs(
    { checkpoint, description: { model: { name: model }, labels }, aligned },
    options,
  );
  const tally = new PredictionTally();
  const fail = async (name: string, reason: string): Promise<void> => {
    note(`poster: ${reason}`);
    for (const output of outputs) await output.fail(name, reason);
  };
  let whole = false;
  try {
    for (const { name, reason } of without) {
      tally.withoutPictures();
      await fail(name, reason);
    }
    bar?.update(0, pictures);
    for await (const result of results) {
      const prediction = parsePrediction(result, facts);
      bar?.hide();
      if ('failed' in prediction) {
        tally.fail();
        await fail(prediction.image, prediction.failed);
      } else {
        tally.add(prediction);
        for (const output of outputs) await output.add(prediction);
        if (prediction.unwritten !== undefined) note(`poster: ${prediction.unwritten}`);
      }
      bar?.update(tally.done, pictures);
    }
    whole = tally.done === pictures;
  } finally {
    bar?.stop();
    const ends = outputs.map((output) => output.end(!whole));
    await Promise.allSettled(ends);
    await Promise.all(ends);
  }
  tally.summarise(pictures, aligned, options);
}
