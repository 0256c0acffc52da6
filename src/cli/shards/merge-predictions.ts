import type { ShardSet } from '../../node/files/shards/index.js';
import { note } from '../context.js';
import { checkPredictionOutputs, type PredictionOutputFlags, predictionOutputs } from '../prediction-outputs.js';
import { PredictionTally } from '../prediction-tally.js';
import { parsePrediction, parsePredictionFacts } from './prediction-shard.js';

/** Writes what `poster predict` writes. @throws UserError where the shards hold something else */
export async function mergePredictions(shards: ShardSet, options: PredictionOutputFlags): Promise<void> {
  checkPredictionOutputs(options);
  const facts = parsePredictionFacts(JSON.stringify(shards.header.facts), shards.source);
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
    for await (const result of shards.results()) {
      const prediction = parsePrediction(result, facts);
      if ('failed' in prediction) {
        tally.fail();
        await fail(prediction.image, prediction.failed);
      } else {
        tally.add(prediction);
        for (const output of outputs) await output.add(prediction);
      }
    }
    whole = true;
  } finally {
    const ends = outputs.map((output) => output.end(!whole));
    await Promise.allSettled(ends);
    await Promise.all(ends);
  }
  tally.summarise(shards.header.units, aligned, options);
}
