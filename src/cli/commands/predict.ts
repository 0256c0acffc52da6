import { Command, Option } from 'commander';
import { z } from 'zod';
import { ExitCode, messageOf, UserError } from '../../common/errors.js';
import { bundledCheckpoint } from '../../recognize/bundled.js';
import type { Recognition } from '../../recognize/recognition.js';
import type { Recognizer, RecognizerOptions } from '../../recognize/recognizer.js';
import { numberOf } from '../arguments.js';
import { type CheckpointOptions, openRecognizer, positive, withCheckpointOptions } from '../checkpoint-options.js';
import { grouped, note } from '../context.js';
import { stopOnSignals } from '../interrupt.js';
import { decodeInput, type PictureInput, pictureInputs } from '../picture-inputs.js';
import { drawTo, type PlannedFiles, planFiles, saveCrops } from '../prediction-files.js';
import {
  jsonLinesOutput,
  jsonOutput,
  type OutputSettings,
  type Predicted,
  type PredictionOutput,
  textOutput,
} from '../prediction-output.js';
import { videoInputs } from '../video/inputs.js';
import {
  refusePictureOptions,
  refuseVideoOptions,
  type VideoPredictOptions,
  withVideoOptions,
} from '../video/options.js';

interface PredictOptions extends CheckpointOptions, VideoPredictOptions {
  readonly aligned?: boolean;
  readonly recursive?: boolean;
  readonly minScore?: number;
  readonly maxFaces?: number;
  readonly minSize?: number;
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
    .addOption(new Option('--checkpoint <file>', 'weights').default(bundledCheckpoint, 'bundled poster-v2-nano'))
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
first frame; transparent places as white. Boxes and points are pixels from the top left corner.
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
    throw new UserError('--csv - and --json both write to standard output; give --csv a file.', ExitCode.usage);
  }
  if (names.length === 0 && options.stream === undefined) {
    throw new UserError('Nothing to look at: name a picture, folder or video, or --stream.', ExitCode.usage);
  }
  const videos = await videoInputs(names, options.stream, options.recursive === true);
  if (videos !== undefined) {
    refusePictureOptions(options);
    const { predictVideos } = await import('../video/predict-video.js');
    return predictVideos(videos, options, recognizerOptions(options));
  }
  refuseVideoOptions(options);
  const inputs = await pictureInputs(names, options.recursive === true);
  const files = await planFiles(inputs, options);
  if (options.draw !== undefined) {
    const { fontNote } = await import('../../report/run-report.js');
    for (const missing of await fontNote()) note(missing);
  }
  const recognizer = await openRecognizer(options, { ...recognizerOptions(options), decode: decodeInput });
  try {
    await run(recognizer, inputs, files, options);
  } finally {
    await recognizer.dispose();
  }
}

function recognizerOptions({ aligned, flip, minScore, maxFaces, minSize }: PredictOptions): RecognizerOptions {
  const detect = {
    ...(minScore === undefined ? {} : { minScore }),
    ...(maxFaces === undefined ? {} : { maxFaces }),
    ...(minSize === undefined ? {} : { minSize }),
  };
  return { aligned: aligned === true, flip: flip === true, detect };
}

async function run(
  recognizer: Recognizer,
  inputs: readonly PictureInput[],
  files: PlannedFiles,
  options: PredictOptions,
): Promise<void> {
  const outputs = await outputsOf(recognizer, options);
  const stop = stopOnSignals('Finishing the pictures in hand, then stopping; once more to quit at once.');
  const bar = inputs.length > 1 ? (await import('../progress.js')).countBar('pictures') : undefined;
  const count = { done: 0, failed: 0, faceless: 0 };
  bar?.update(0, inputs.length);
  const images = inputs.map(({ image }) => image);
  const keep = { picture: options.draw !== undefined, crops: options.saveCrops !== undefined };
  try {
    for await (const result of recognizer.settle(images, { ...keep, until: stop.signal })) {
      const stem = files.stems[count.done] ?? '';
      const input = inputs[count.done++];
      if (input === undefined) break;
      bar?.hide();
      if (result.status === 'rejected') {
        count.failed++;
        note(`poster: ${messageOf(result.reason)}`);
        for (const output of outputs) await output.fail(input.name, messageOf(result.reason));
      } else {
        if (result.value.faces.length === 0) count.faceless++;
        const predicted = await withFiles(input.name, stem, result.value, recognizer, files, options);
        for (const output of outputs) await output.add(predicted);
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

async function outputsOf({ classifier }: Recognizer, options: PredictOptions): Promise<PredictionOutput[]> {
  const { checkpoint, aligned, top, csv } = options;
  const settings: OutputSettings = {
    checkpoint,
    description: classifier.description,
    aligned: aligned === true,
    ...(top === undefined ? {} : { top }),
  };
  const table = csv === undefined ? [] : [(await import('../faces-csv.js')).csvOutput(csv, classifier.labels.labels)];
  if (csv === '-') return table;
  const print = options.json === true ? jsonOutput : options.jsonl === true ? jsonLinesOutput : textOutput;
  return [print(settings), ...table];
}

async function withFiles(
  name: string,
  stem: string,
  result: Recognition,
  { template }: Recognizer,
  { guard }: PlannedFiles,
  { draw, saveCrops: cropFolder }: PredictOptions,
): Promise<Predicted> {
  if (draw === undefined && cropFolder === undefined) return { ...result, image: name };
  const drawn = draw === undefined ? undefined : await drawTo(draw, stem, name, result, template);
  return {
    ...result,
    image: name,
    ...(drawn === undefined ? {} : { drawn }),
    ...(cropFolder === undefined ? {} : { crops: await saveCrops(cropFolder, stem, result, guard) }),
  };
}

/** What a list of results does not show at a glance, and the exit code. */
function summarise(
  { done, failed, faceless }: { readonly done: number; readonly failed: number; readonly faceless: number },
  total: number,
  { json, jsonl, csv }: PredictOptions,
): void {
  const several = (count: number): string => `${grouped(count)} of ${grouped(total)} pictures`;
  if (faceless > 0 && (json === true || jsonl === true || csv === '-' || total > 1)) {
    note(total === 1 ? 'No face was found.' : `No face was found in ${several(faceless)}.`);
  }
  if (failed > 0 && total > 1) note(`${several(failed)} could not be read: see above.`);
  if (done < total) note(`Stopped after ${several(done)}; their results are complete.`);
  if (failed > 0) process.exitCode = ExitCode.input;
  if (done < total) process.exitCode = ExitCode.interrupted;
}
