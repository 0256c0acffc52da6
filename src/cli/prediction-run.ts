import { UserError } from '../common/errors.js';
import { itemAt } from '../common/item-at.js';
import type { CropTemplate } from '../common/preprocessing.js';
import { animationFormat } from '../node/ffmpeg/animation.js';
import { firstBytesOf } from '../node/ffmpeg/kind.js';
import type { Recognition } from '../recognize/recognition.js';
import { note } from './context.js';
import { stopOnSignals } from './interrupt.js';
import type { PictureInput, PictureInputs } from './picture-inputs.js';
import { drawTo, type PlannedFiles, saveCrops } from './prediction-files.js';
import type { OutputSettings, Predicted, PredictionOutput } from './prediction-output.js';
import { type PredictionOutputFlags, predictionOutputs } from './prediction-outputs.js';
import { PredictionTally } from './prediction-tally.js';
import { sentenceOf } from './settings.js';

/** What is made of results. */
export interface PredictionOptions extends PredictionOutputFlags {
  readonly draw?: string;
  readonly saveCrops?: string;
}

/** What results keep besides, and when no further picture is begun. */
export interface ReadingOptions {
  readonly picture: boolean;
  readonly crops: boolean;
  readonly until: AbortSignal;
}

/** What reads pictures: a network here, or a server. */
export interface PictureReader extends Omit<OutputSettings, 'top'> {
  readonly template: CropTemplate;
  /** A result for each picture in their order; rejected for one that cannot be used. */
  settle(
    inputs: Iterable<PictureInput> | AsyncIterable<PictureInput>,
    options: ReadingOptions,
  ): AsyncGenerator<PromiseSettledResult<Recognition>, void, void>;
  dispose(): Promise<void>;
}

/** Pictures that are read, in their order. */
export interface PictureWork extends PictureInputs, PlannedFiles {}

/** A picture that is read, and what files that are made of it are called. */
export interface NamedInput extends PictureInput {
  readonly stem: string;
}

/** What came of a picture. */
export type PictureOutcome =
  | { readonly image: string; readonly failed: unknown }
  | { readonly predicted: Predicted; readonly problem: UserError | undefined };

/** Reads pictures as they come, and writes the files that are to be made of each. */
export async function* outcomesOf(
  reader: PictureReader,
  inputs: Iterable<NamedInput> | AsyncIterable<NamedInput>,
  guard: PlannedFiles['guard'],
  options: PredictionOptions,
  until: AbortSignal,
): AsyncGenerator<PictureOutcome, void, void> {
  /** Those that have no result yet. */
  const begun: NamedInput[] = [];
  async function* read(): AsyncGenerator<PictureInput, void, void> {
    for await (const input of inputs) {
      begun.push(input);
      yield input;
    }
  }
  const keep = { picture: options.draw !== undefined, crops: options.saveCrops !== undefined, until };
  for await (const result of reader.settle(read(), keep)) {
    const input = begun.shift();
    if (input === undefined) return;
    if (result.status === 'rejected') {
      yield { image: input.name, failed: result.reason };
      continue;
    }
    const { value } = result;
    const moves = value.frames > 1 && (await isAnimated(input.image)) ? { animated: true } : {};
    const { predicted, problem } = await withFiles(input, value, reader, guard, options);
    const unwritten = problem === undefined ? {} : { unwritten: sentenceOf(problem) };
    yield { predicted: { ...predicted, ...moves, ...unwritten }, problem };
  }
}

/** Reads pictures, gives what they show to all outputs that were asked for, and tells what came of it. */
export async function predictPictures(
  reader: PictureReader,
  work: PictureWork,
  options: PredictionOptions,
): Promise<void> {
  const outputs = await predictionOutputs(reader, options);
  const tally = await readPictures(reader, work, outputs, options);
  tally.summarise(work.inputs.length, reader.aligned, options);
}

/** Reads pictures, and gives what they show to outputs, until there are no more or the user stops it. */
export async function readPictures(
  reader: PictureReader,
  { inputs, without, stems, guard }: PictureWork,
  outputs: readonly PredictionOutput[],
  options: PredictionOptions,
): Promise<PredictionTally> {
  const stop = stopOnSignals('Finishing the pictures in progress, then stopping; press again to quit at once.');
  const bar = inputs.length > 1 ? (await import('./progress.js')).countBar('pictures') : undefined;
  const tally = new PredictionTally();
  bar?.update(0, inputs.length);
  const named = inputs.map((input, i) => ({ ...input, stem: itemAt(stems, i) }));
  const fail = async (name: string, reason: unknown): Promise<void> => {
    note(`poster: ${sentenceOf(reason)}`);
    for (const output of outputs) await output.fail(name, sentenceOf(reason));
  };
  try {
    for (const { name, reason } of without) {
      tally.withoutPictures();
      await fail(name, reason);
    }
    for await (const outcome of outcomesOf(reader, named, guard, options, stop.signal)) {
      bar?.hide();
      if ('failed' in outcome) {
        tally.fail();
        await fail(outcome.image, outcome.failed);
      } else {
        const { predicted, problem } = outcome;
        tally.add(predicted);
        for (const output of outputs) await output.add(predicted);
        if (problem !== undefined) {
          // A full disk takes no other picture's files either.
          if (problem.kind !== 'input') throw problem;
          note(`poster: ${sentenceOf(problem)}`);
        }
      }
      bar?.update(tally.done, inputs.length);
    }
  } finally {
    bar?.stop();
    // Also after a failure: what was done stays, in each of them.
    const ends = outputs.map((output) => output.end(tally.done < inputs.length));
    await Promise.allSettled(ends);
    stop.release();
    await Promise.all(ends);
  }
  return tally;
}

/** Whether a file is of a kind that moves: several pages are no animation. */
async function isAnimated(image: string | URL): Promise<boolean> {
  const first = typeof image === 'string' ? await firstBytesOf(image) : undefined;
  return first instanceof Uint8Array && animationFormat(first) !== undefined;
}

/** What was recognised, with the files that were made of it, or without them and the reason why there are none. */
async function withFiles(
  { name: image, stem }: NamedInput,
  result: Recognition,
  { template }: PictureReader,
  guard: PlannedFiles['guard'],
  { draw, saveCrops: cropFolder }: PredictionOptions,
): Promise<{ readonly predicted: Predicted; readonly problem?: UserError }> {
  let predicted: Predicted = { ...result, image };
  try {
    const drawn = draw === undefined ? undefined : await drawTo(draw, stem, image, result, template);
    if (drawn !== undefined) predicted = { ...predicted, drawn };
    if (cropFolder !== undefined) predicted = { ...predicted, crops: await saveCrops(cropFolder, stem, result, guard) };
    return { predicted };
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    return { predicted, problem: error };
  }
}
