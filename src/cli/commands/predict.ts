import { Command, Option } from 'commander';
import * as z from 'zod';
import { defined } from '../../common/defined.js';
import { UserError } from '../../common/errors.js';
import type { DetectOptions } from '../../detect/index.js';
import type { LowContrast } from '../../image/contrast.js';
import type { ImageSource } from '../../image/image-source.js';
import { bundledCheckpoint } from '../../node/host/bundled-weights.js';
import type { RecognizerOptions } from '../../recognize/recognizer.js';
import type { DetectOptionsSent } from '../../service/request-options.js';
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
import { note } from '../context.js';
import { refuseGiven } from '../given-options.js';
import {
  decodeInput,
  type FolderWalk,
  findPictures,
  folderWalk,
  type PictureInput,
  recursiveOption,
} from '../picture-inputs.js';
import { planFiles } from '../prediction-files.js';
import { checkPredictionOutputs, predictionOutputOptions, withPredictionOutputs } from '../prediction-outputs.js';
import { type PictureReader, type PictureWork, type PredictionOptions, predictPictures } from '../prediction-run.js';
import { byRanks, type Ranks, silenceOtherRanks } from '../ranks/by-ranks.js';
import { predictShard } from '../shards/prediction-shard.js';
import {
  forMerge,
  refuseFolderAlone,
  refuseWithRanks,
  refuseWithShard,
  type ShardFlags,
  sharedOnce,
  withShardOptions,
} from '../shards/shard-options.js';
import { type VideoInput, videoInputs } from '../video/inputs.js';
import {
  refusePictureOptions,
  refuseVideoOptions,
  type VideoPredictOptions,
  withVideoOptions,
} from '../video/video-options.js';

interface PredictOptions extends CheckpointOptions, VideoPredictOptions, PredictionOptions, ShardFlags {
  readonly aligned?: boolean;
  readonly recursive?: boolean;
  readonly minScore?: number;
  readonly maxFaces?: number;
  readonly minSize?: number;
  readonly scales?: readonly number[];
  readonly turned?: 'auto' | 'always' | 'never';
  readonly lowContrast: LowContrast;
  readonly flip?: boolean;
  readonly server?: string;
  readonly serverKey?: string;
}

/** What a server has chosen when it started. */
const ofServer = [
  'checkpoint',
  'aligned',
  'lowContrast',
  'raw',
  'prefer',
  'flip',
  'device',
  'gpu',
  'threads',
  'model',
  'labels',
];

const share = numberOf(z.number().gt(0).lt(1));
const pixels = numberOf(z.number().min(0));

export function predictCommand(): Command {
  silenceOtherRanks();
  const command = new Command('predict')
    .description('find the faces in pictures and videos and recognise their expressions')
    .argument(
      '[input...]',
      "pictures, folders, globs ('photos/**/*.jpg'), http(s) URLs, video files, - for standard input",
    )
    .addOption(recursiveOption())
    .addOption(
      new Option('--checkpoint <path>', 'weights: a file, or a folder that holds them').default(
        bundledCheckpoint(),
        'bundled poster-v2-nano',
      ),
    )
    .option('--aligned', 'the pictures already are face crops, brow to chin: do not detect faces')
    .addOption(
      new Option('--min-score <score>', 'least detection score of a face, between 0 and 1 (default: 0.6)')
        .argParser(share)
        .conflicts('aligned'),
    )
    .addOption(
      new Option('--max-faces <count>', 'at most this many faces of a picture, those with the highest scores')
        .argParser(positive)
        .conflicts('aligned'),
    )
    .addOption(
      new Option('--min-size <pixels>', 'least width of a face, brow to chin').argParser(pixels).conflicts('aligned'),
    )
    .addOption(
      new Option(
        '--scales <list>',
        'lengths to which the long side is scaled to detect faces (default: 96,192,640); add 1280 for small faces',
      )
        .argParser(numbers)
        .conflicts('aligned'),
    )
    .addOption(
      new Option(
        '--turned <when>',
        'also search pictures on their sides and upside down: auto (if a face lies or none is found), always, never (default: auto)',
      )
        .choices(['auto', 'always', 'never'])
        .conflicts('aligned'),
    )
    .addOption(lowContrastOption('stretch'))
    .addOption(rawOption())
    .addOption(preferOption())
    .option('--flip', 'average over each face and its mirror image: a little more accurate, slower')
    .option('--draw <path>', 'draw faces and expressions: a .png, .jpg or .webp file, or a folder')
    .option('--save-crops <folder>', 'write the crop of each face, the input of the network');
  return withPredictionOutputs(withShardOptions(withCheckpointOptions(withVideoOptions(command))))
    .addOption(
      new Option('--server <url>', 'send the pictures to a server that poster serve runs').conflicts([
        ...ofServer,
        'stream',
        'shard',
      ]),
    )
    .addOption(new Option('--server-key <key>', 'key for the server').env('POSTER_SERVER_KEY'))
    .addHelpText(
      'after',
      `
Reads JPEG, PNG, WebP, GIF, TIFF, AVIF and BMP up to 64 megapixels and 256 MB, and applies EXIF orientation. Of
animations it reads the first frame, or with --animation all frames, as a video. Transparent pixels count as white. Boxes and points are
pixels from the top left corner. Videos are read by the system's ffmpeg, and faces are tracked; --draw then writes .mp4, .mov or .mkv.

Examples:
  poster predict photo.jpg --draw annotated.jpg
  poster predict holiday -r --csv faces.csv
  poster predict face.jpg --aligned
  poster predict talk.mp4 --timeline talk.svg --csv talk.csv --draw talk-annotated.mp4
  poster predict holiday -r --server http://192.168.1.5:8080 --jsonl
  poster predict --stream rtsp://camera.local/1 > faces.jsonl`,
    )
    .action((names: readonly string[], options: PredictOptions, command: Command) =>
      byRanks(options, (ranks) => predict(names, options, command, ranks)),
    );
}

async function predict(
  names: readonly string[],
  options: PredictOptions,
  command: Command,
  ranks: Ranks | undefined,
): Promise<void> {
  checkPredictionOutputs(options);
  refuseFolderAlone(command, options);
  if (options.server === undefined) {
    refuseGiven(command, ['serverKey'], (flag) => `${flag} is for a server; give --server too, or leave it out.`);
  }
  if (options.shard !== undefined) {
    refuseWithShard(command, predictionOutputOptions, forMerge);
    if (names.includes('-'))
      throw new UserError('Standard input (-) cannot be divided into shards; name files.', 'usage');
  }
  if (ranks !== undefined) {
    refuseWithRanks(command, ['shard'], sharedOnce);
    refuseWithRanks(command, ['stream', 'server'], 'it is for one process');
    if (names.includes('-')) {
      throw new UserError('Standard input (-) cannot be divided among ranks; name files.', 'usage');
    }
  }
  if (names.length === 0 && options.stream === undefined) {
    throw new UserError('No input: name a picture, folder or video, or --stream.', 'usage');
  }
  if (ranks !== undefined) return predictWithRanks(ranks, names, options);
  const walk = folderWalk(options.recursive === true);
  const videos = await videoInputs(names, options.stream, walk, options.animation === true);
  if (videos !== undefined) {
    if (options.shard !== undefined) {
      throw new UserError('--shard divides pictures, not videos; run poster predict on each video by itself.', 'usage');
    }
    if (options.server !== undefined) {
      throw new UserError('Videos are not sent to a server; leave --server out, or send pictures.', 'usage');
    }
    refusePictureOptions(options);
    const { predictVideos } = await import('../video/predict-video.js');
    return predictVideos(videos, options, recognizerOptions(options));
  }
  refuseVideoOptions(options);
  const work = await planPictures(names, walk, options);
  const reader = await openReader(options);
  try {
    if (options.shard === undefined) await predictPictures(reader, work, options);
    else await predictShard(reader, work, options.shard, options);
  } finally {
    await reader.dispose();
  }
}

/** The pictures, and what files that are made of them are called. */
async function planPictures(names: readonly string[], walk: FolderWalk, options: PredictOptions): Promise<PictureWork> {
  const { inputs, without } = await findPictures(names, walk);
  const files = await planFiles(inputs, options);
  if (options.draw !== undefined) {
    const { fontNote } = await import('../../node/report/run-report.js');
    for (const missing of await fontNote()) note(missing);
  }
  return { inputs, without, ...files };
}

/** Rank 0 finds pictures or videos; all look at them. */
async function predictWithRanks(ranks: Ranks, names: readonly string[], options: PredictOptions): Promise<void> {
  const walk = folderWalk(options.recursive === true);
  let videos: readonly VideoInput[] | undefined;
  const { isVideo } = await ranks.fromFirst(z.object({ isVideo: z.boolean() }), async () => {
    videos = await videoInputs(names, undefined, walk, options.animation === true);
    return { isVideo: videos !== undefined };
  });
  if (isVideo) refusePictureOptions(options);
  else refuseVideoOptions(options);
  const { compareWork } = await import('../ranks/same-work.js');
  const { predictByRanks } = await import('../ranks/prediction-ranks.js');
  const { checkpoint } = options;
  const outputs = predictionOutputOptions;
  const own = await compareWork(ranks, options, { command: 'predict', checkpoint, outputs });
  if (isVideo) {
    const { predictVideosByRanks } = await import('../ranks/video-ranks.js');
    return predictVideosByRanks(ranks, videos, own, recognizerOptions(own));
  }
  await predictByRanks(
    ranks,
    () => planPictures(names, walk, own),
    () => openReader(own),
    own,
  );
}

async function openReader(options: PredictOptions): Promise<PictureReader> {
  const { checkpoint, aligned = false, server, serverKey } = options;
  if (server !== undefined) {
    const { openServer } = await import('../server-reader.js');
    return openServer({ url: server, ...defined({ key: serverKey }) }, detectOptions(options));
  }
  const recognizer = await openRecognizer(options, { ...recognizerOptions(options), decode: decodeInput });
  const { description } = recognizer.classifier;
  return {
    ...{ checkpoint, aligned, description },
    template: recognizer.template,
    settle: (inputs, keep) => recognizer.settle(imagesOf(inputs), keep),
    dispose: () => recognizer.dispose(),
  };
}

async function* imagesOf(inputs: Iterable<PictureInput> | AsyncIterable<PictureInput>): AsyncGenerator<ImageSource> {
  for await (const { image } of inputs) yield image;
}

function recognizerOptions(options: PredictOptions): RecognizerOptions {
  const { aligned, lowContrast, flip } = options;
  const { turned, ...others } = detectOptions(options);
  const detect: DetectOptions = {
    ...defined(others),
    ...(turned === undefined || turned === 'auto' ? {} : { turned: turned === 'always' ? turned : false }),
  };
  return { aligned: aligned === true, lowContrast, flip: flip === true, detect };
}

function detectOptions({ minScore, maxFaces, minSize, scales, turned }: PredictOptions): DetectOptionsSent {
  return defined({ minScore, maxFaces, minSize, turned, scales: scales === undefined ? undefined : [...scales] });
}
