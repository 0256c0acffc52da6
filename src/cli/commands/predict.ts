import { Command, Option } from 'commander';
import { z } from 'zod';
import { defined } from '../../common/defined.js';
import { UserError } from '../../common/errors.js';
import type { LowContrast } from '../../image/contrast.js';
import { animationFormat } from '../../node/ffmpeg/animation.js';
import { firstBytesOf } from '../../node/ffmpeg/kind.js';
import { bundledCheckpoint } from '../../node/host/bundled-weights.js';
import type { Recognition } from '../../recognize/recognition.js';
import type { Recognizer, RecognizerOptions } from '../../recognize/recognizer.js';
import { numberOf, numbers } from '../arguments.js';
import {
  type CheckpointOptions,
  lowContrastOption,
  openRecognizer,
  positive,
  preferOption,
  rawOption,
  withCheckpointOptions,
} from '../checkpoint-options.js';
import { grouped, note } from '../context.js';
import { ExitCode } from '../exit-code.js';
import { stopOnSignals } from '../interrupt.js';
import { decodeInput, folderWalk, type PictureInputs, pictureInputs } from '../picture-inputs.js';
import { drawTo, type PlannedFiles, planFiles, saveCrops } from '../prediction-files.js';
import {
  jsonLinesOutput,
  jsonOutput,
  type OutputSettings,
  type Predicted,
  type PredictionOutput,
  textOutput,
} from '../prediction-output.js';
import { sentenceOf } from '../settings.js';
import { videoInputs } from '../video/inputs.js';
import {
  refusePictureOptions,
  refuseVideoOptions,
  type VideoPredictOptions,
  withVideoOptions,
} from '../video/video-options.js';

interface PredictOptions extends CheckpointOptions, VideoPredictOptions {
  readonly aligned?: boolean;
  readonly recursive?: boolean;
  readonly minScore?: number;
  readonly maxFaces?: number;
  readonly minSize?: number;
  readonly scales?: readonly number[];
  readonly turned?: 'auto' | 'always' | 'never';
  readonly lowContrast: LowContrast;
  readonly flip?: boolean;
  readonly top?: number;
  readonly draw?: string;
  readonly saveCrops?: string;
  readonly csv?: string;
  readonly json?: boolean;
  readonly jsonl?: boolean;
}

const share = numberOf(z.number().gt(0).lt(1));
const pixels = numberOf(z.number().min(0));

export function predictCommand(): Command {
  const command = new Command('predict')
    .description('find the faces in pictures and videos and recognise their expressions')
    .argument(
      '[input...]',
      "pictures, folders, globs ('photos/**/*.jpg'), http(s) addresses of them, video files, - for standard input",
    )
    .option('-r, --recursive', 'also pictures in folders within folders')
    .addOption(
      new Option('--checkpoint <path>', 'weights: a file, or a folder that holds them').default(
        bundledCheckpoint(),
        'bundled poster-v2-nano',
      ),
    )
    .option('--aligned', 'the pictures already are face crops, brow to chin: do not look for faces')
    .addOption(
      new Option('--min-score <score>', 'how sure a face must be, between 0 and 1 (default: 0.6)')
        .argParser(share)
        .conflicts('aligned'),
    )
    .addOption(
      new Option('--max-faces <count>', 'at most so many faces a picture, the surest')
        .argParser(positive)
        .conflicts('aligned'),
    )
    .addOption(
      new Option('--min-size <pixels>', 'least width of a face, brow to chin').argParser(pixels).conflicts('aligned'),
    )
    .addOption(
      new Option(
        '--scales <list>',
        'lengths that the long side is brought to when faces are looked for (default: 96,192,640); add 1280 for small faces',
      )
        .argParser(numbers)
        .conflicts('aligned'),
    )
    .addOption(
      new Option(
        '--turned <when>',
        'search pictures on their sides and upside down too: auto where faces lie or none is found, always, never (default: auto)',
      )
        .choices(['auto', 'always', 'never'])
        .conflicts('aligned'),
    )
    .addOption(lowContrastOption('stretch'))
    .addOption(rawOption())
    .addOption(preferOption())
    .option('--flip', 'average over each face and its mirror image: a little more accurate, slower')
    .option('--top <count>', 'labels listed with each face (default: 3 in text, else all)', positive)
    .option('--draw <path>', 'draw faces and expressions: a .png, .jpg or .webp file, or a folder')
    .option('--save-crops <folder>', 'write the crop of each face as the network saw it');
  return withCheckpointOptions(withVideoOptions(command))
    .option('--csv <file>', 'write a row for each face; - for standard output')
    .addOption(new Option('--json', 'print one JSON document, with logits').conflicts('jsonl'))
    .option('--jsonl', 'print a line of JSON for each picture as it is done')
    .addHelpText(
      'after',
      `
Reads JPEG, PNG, WebP, GIF, TIFF, AVIF and BMP up to 64 megapixels and 256 MB, upright as their EXIF data says; of animations the
first frame, or with --animation all, as of a video; transparent places as white. Boxes and points are pixels from the top left corner.
Videos are read by the system's ffmpeg, faces followed over their frames; --draw then writes an .mp4, .mov or .mkv file.

Examples:
  poster predict photo.jpg --draw seen.jpg
  poster predict holiday -r --csv faces.csv
  poster predict face.jpg --aligned
  poster predict talk.mp4 --timeline talk.svg --csv talk.csv --draw talk-seen.mp4
  poster predict --stream rtsp://camera.local/1 > faces.jsonl`,
    )
    .action(predict);
}

async function predict(names: readonly string[], options: PredictOptions): Promise<void> {
  if (options.csv === '-' && (options.json === true || options.jsonl === true)) {
    throw new UserError('--csv - and --json both write to standard output; give --csv a file.', 'usage');
  }
  if (names.length === 0 && options.stream === undefined) {
    throw new UserError('Nothing to look at: name a picture, folder or video, or --stream.', 'usage');
  }
  const walk = folderWalk(options.recursive === true);
  const videos = await videoInputs(names, options.stream, walk, options.animation === true);
  if (videos !== undefined) {
    refusePictureOptions(options);
    const { predictVideos } = await import('../video/predict-video.js');
    return predictVideos(videos, options, recognizerOptions(options));
  }
  refuseVideoOptions(options);
  const { inputs, without } = await pictureInputs(names, walk);
  const files = await planFiles(inputs, options);
  if (options.draw !== undefined) {
    const { fontNote } = await import('../../node/report/run-report.js');
    for (const missing of await fontNote()) note(missing);
  }
  const recognizer = await openRecognizer(options, { ...recognizerOptions(options), decode: decodeInput });
  try {
    await run(recognizer, { inputs, without }, files, options);
  } finally {
    await recognizer.dispose();
  }
}

function recognizerOptions(options: PredictOptions): RecognizerOptions {
  const { aligned, lowContrast, flip, minScore, maxFaces, minSize, scales, turned } = options;
  const detect = {
    ...defined({ minScore, maxFaces, minSize, scales }),
    ...(turned === undefined || turned === 'auto' ? {} : { turned: turned === 'always' ? turned : false }),
  };
  return { aligned: aligned === true, lowContrast, flip: flip === true, detect };
}

async function run(
  recognizer: Recognizer,
  { inputs, without }: PictureInputs,
  files: PlannedFiles,
  options: PredictOptions,
): Promise<void> {
  const outputs = await outputsOf(recognizer, options);
  const stop = stopOnSignals('Finishing the pictures in hand, then stopping; once more to quit at once.');
  const bar = inputs.length > 1 ? (await import('../progress.js')).countBar('pictures') : undefined;
  const count = { done: 0, failed: 0, faceless: 0, several: 0, animated: 0, unwritten: 0, without: without.length };
  bar?.update(0, inputs.length);
  const images = inputs.map(({ image }) => image);
  const keep = { picture: options.draw !== undefined, crops: options.saveCrops !== undefined };
  const fail = async (name: string, reason: unknown): Promise<void> => {
    note(`poster: ${sentenceOf(reason)}`);
    for (const output of outputs) await output.fail(name, sentenceOf(reason));
  };
  try {
    for (const { name, reason } of without) await fail(name, reason);
    for await (const result of recognizer.settle(images, { ...keep, until: stop.signal })) {
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
        const { predicted, problem } = await withFiles(input.name, stem, result.value, recognizer, files, options);
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
  summarise(count, inputs.length, options);
}

/** Whether a file is of a kind that moves: several pages are no animation. */
async function isAnimated(image: string | URL): Promise<boolean> {
  const first = typeof image === 'string' ? await firstBytesOf(image) : undefined;
  return first instanceof Uint8Array && animationFormat(first) !== undefined;
}

async function outputsOf({ classifier }: Recognizer, options: PredictOptions): Promise<PredictionOutput[]> {
  const { checkpoint, aligned, top, csv } = options;
  const settings: OutputSettings = {
    checkpoint,
    description: classifier.description,
    aligned: aligned === true,
    ...defined({ top }),
  };
  const table = csv === undefined ? [] : [(await import('../faces-csv.js')).csvOutput(csv, classifier.labels.labels)];
  if (csv === '-') return table;
  const print = options.json === true ? jsonOutput : options.jsonl === true ? jsonLinesOutput : textOutput;
  return [print(settings), ...table];
}

/** What was recognised, with the files that were made of it, or without them and the reason why there are none. */
async function withFiles(
  image: string,
  stem: string,
  result: Recognition,
  { template }: Recognizer,
  { guard }: PlannedFiles,
  { draw, saveCrops: cropFolder }: PredictOptions,
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
function summarise(count: Count, total: number, { json, jsonl, csv, aligned }: PredictOptions): void {
  const { done, failed, faceless, several, animated, unwritten, without } = count;
  const some = (pictures: number): string => `${grouped(pictures)} of ${grouped(total)} pictures`;
  const forPrograms = json === true || jsonl === true || csv === '-';
  if (faceless > 0 && (forPrograms || total > 1)) {
    note(total === 1 ? 'No face was found.' : `No face was found in ${some(faceless)}.`);
  }
  // Text says it with each picture, and so does JSON with boxes.
  if (several > 0 && (csv === '-' || (forPrograms && aligned === true))) {
    note(`Only the first frame was looked at ${total === 1 ? 'of an animation' : `in ${some(several)}`}.`);
  }
  if (animated > 0) note('With --animation all frames of an animation are looked at, as those of a video.');
  if (failed > 0 && total > 1) note(`${some(failed)} could not be read: see above.`);
  if (unwritten > 0 && total > 1) note(`Files of ${some(unwritten)} could not be written: see above.`);
  if (done < total) note(`Stopped after ${some(done)}; their results are complete.`);
  if (failed + unwritten + without > 0) process.exitCode = ExitCode.input;
  if (done < total) process.exitCode = ExitCode.interrupted;
}
