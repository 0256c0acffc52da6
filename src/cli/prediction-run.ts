import { defined } from '../common/defined.js';
import { UserError } from '../common/errors.js';
import type { CropTemplate } from '../common/preprocessing.js';
import { animationFormat } from '../node/ffmpeg/animation.js';
import { firstBytesOf } from '../node/ffmpeg/kind.js';
import type { Recognition } from '../recognize/recognition.js';
import { grouped, note } from './context.js';
import { ExitCode } from './exit-code.js';
import { stopOnSignals } from './interrupt.js';
import type { PictureInput, PictureInputs } from './picture-inputs.js';
import { drawTo, type PlannedFiles, saveCrops } from './prediction-files.js';
import {
  jsonLinesOutput,
  jsonOutput,
  type OutputSettings,
  type Predicted,
  type PredictionOutput,
  textOutput,
} from './prediction-output.js';
import { sentenceOf } from './settings.js';

/** What is made of results. */
export interface PredictionOptions {
  readonly top?: number;
  readonly draw?: string;
  readonly saveCrops?: string;
  readonly csv?: string;
  readonly json?: boolean;
  readonly jsonl?: boolean;
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
    inputs: readonly PictureInput[],
    options: ReadingOptions,
  ): AsyncGenerator<PromiseSettledResult<Recognition>, void, void>;
  dispose(): Promise<void>;
}

/** Reads pictures, and gives what they show to all outputs that were asked for. */
export async function predictPictures(
  reader: PictureReader,
  { inputs, without }: PictureInputs,
  files: PlannedFiles,
  options: PredictionOptions,
): Promise<void> {
  const outputs = await outputsOf(reader, options);
  const stop = stopOnSignals('Finishing the pictures in hand, then stopping; once more to quit at once.');
  const bar = inputs.length > 1 ? (await import('./progress.js')).countBar('pictures') : undefined;
  const count = { done: 0, failed: 0, faceless: 0, several: 0, animated: 0, unwritten: 0, without: without.length };
  bar?.update(0, inputs.length);
  const keep = { picture: options.draw !== undefined, crops: options.saveCrops !== undefined };
  const fail = async (name: string, reason: unknown): Promise<void> => {
    note(`poster: ${sentenceOf(reason)}`);
    for (const output of outputs) await output.fail(name, sentenceOf(reason));
  };
  try {
    for (const { name, reason } of without) await fail(name, reason);
    for await (const result of reader.settle(inputs, { ...keep, until: stop.signal })) {
      const stem = files.stems[count.done] ?? '';
      const input = inputs[count.done++];
      if (input === undefined) break;
      bar?.hide();
      if (result.status === 'rejected') {
        count.failed++;
        await fail(input.name, result.reason);
      } else {
        if (result.value.faces.length === 0) count.faceless++;
        if (result.value.frames > 1) {
          count.several++;
          if (await isAnimated(input.image)) count.animated++;
        }
        const { predicted, problem } = await withFiles(input.name, stem, result.value, reader, files, options);
        for (const output of outputs) await output.add(predicted);
        if (problem !== undefined) {
          // A full disk takes no other picture's files either.
          if (problem.kind !== 'input') throw problem;
          count.unwritten++;
          note(`poster: ${sentenceOf(problem)}`);
        }
      }
      bar?.update(count.done, inputs.length);
    }
  } finally {
    bar?.stop();
    // Also after a failure: what was done stays, in each of them.
    const ends = outputs.map((output) => output.end(count.done < inputs.length));
    await Promise.allSettled(ends);
    stop.release();
    await Promise.all(ends);
  }
  summarise(count, inputs.length, reader.aligned, options);
}

/** Whether a file is of a kind that moves: several pages are no animation. */
async function isAnimated(image: string | URL): Promise<boolean> {
  const first = typeof image === 'string' ? await firstBytesOf(image) : undefined;
  return first instanceof Uint8Array && animationFormat(first) !== undefined;
}

async function outputsOf(
  { checkpoint, description, aligned }: PictureReader,
  options: PredictionOptions,
): Promise<PredictionOutput[]> {
  const { top, csv } = options;
  const settings: OutputSettings = { checkpoint, description, aligned, ...defined({ top }) };
  const table = csv === undefined ? [] : [(await import('./faces-csv.js')).csvOutput(csv, description.labels.labels)];
  if (csv === '-') return table;
  const print = options.json === true ? jsonOutput : options.jsonl === true ? jsonLinesOutput : textOutput;
  return [print(settings), ...table];
}

/** What was recognised, with the files that were made of it, or without them and the reason why there are none. */
async function withFiles(
  image: string,
  stem: string,
  result: Recognition,
  { template }: PictureReader,
  { guard }: PlannedFiles,
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

interface Count {
  readonly done: number;
  /** Pictures that could not be read. */
  readonly failed: number;
  readonly faceless: number;
  /** Of several frames or pages. */
  readonly several: number;
  /** Of these, those that `--animation` is for. */
  readonly animated: number;
  /** Whose drawings or crops could not be written. */
  readonly unwritten: number;
  /** Folders and globs that have no picture. */
  readonly without: number;
}

/** What a list of results does not show at a glance, and the exit code. */
function summarise(count: Count, total: number, aligned: boolean, { json, jsonl, csv }: PredictionOptions): void {
  const { done, failed, faceless, several, animated, unwritten, without } = count;
  const some = (pictures: number): string => `${grouped(pictures)} of ${grouped(total)} pictures`;
  const forPrograms = json === true || jsonl === true || csv === '-';
  if (faceless > 0 && (forPrograms || total > 1)) {
    note(total === 1 ? 'No face was found.' : `No face was found in ${some(faceless)}.`);
  }
  // Text says it with each picture, and so does JSON with boxes.
  if (several > 0 && (csv === '-' || (forPrograms && aligned))) {
    note(`Only the first frame was looked at ${total === 1 ? 'of an animation' : `in ${some(several)}`}.`);
  }
  if (animated > 0) note('With --animation all frames of an animation are looked at, as those of a video.');
  if (failed > 0 && total > 1) note(`${some(failed)} could not be read: see above.`);
  if (unwritten > 0 && total > 1) note(`Files of ${some(unwritten)} could not be written: see above.`);
  if (done < total) note(`Stopped after ${some(done)}; their results are complete.`);
  if (failed + unwritten + without > 0) process.exitCode = ExitCode.input;
  if (done < total) process.exitCode = ExitCode.interrupted;
}
