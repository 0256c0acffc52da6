import { Readable } from 'node:stream';
import { defined } from '../../common/defined.js';
import { UserError } from '../../common/errors.js';
import { whenAborted } from '../../common/signals.js';
import { openVideo, type Video } from '../../node/ffmpeg/index.js';
import { isVideoFile } from '../../node/ffmpeg/video-writer.js';
import { checkOutputFiles, guardInputs, type NamedOutput } from '../../node/files/output-paths.js';
import { isChartFile, writeTimeline } from '../../node/report/timeline-file.js';
import type { Recognizer, RecognizerOptions } from '../../recognize/index.js';
import { recognizeFrames, VideoSummary, videoDocument } from '../../video/index.js';
import { type CheckpointOptions, openRecognizer } from '../checkpoint-options.js';
import { note } from '../context.js';
import { checkDrawing } from '../drawing-path.js';
import { exitCodeOf } from '../exit-code.js';
import { stopOnSignals } from '../interrupt.js';
import { sentenceOf } from '../settings.js';
import { isStdoutFailure, writeOut } from '../stdout.js';
import type { VideoInput } from './inputs.js';
import { csvTimeline, type FrameOutput, jsonLines } from './outputs.js';
import { summaryText } from './summary-text.js';
import { untilAborted } from './until-aborted.js';
import type { VideoPredictOptions } from './video-options.js';
import { videoProgress } from './video-progress.js';
import { tellVideos, type VideoResult, type VideoTeller } from './video-results.js';

export interface PredictVideoOptions extends CheckpointOptions, VideoPredictOptions {
  readonly draw?: string;
  readonly saveCrops?: string;
  readonly csv?: string;
  readonly json?: boolean;
  readonly jsonl?: boolean;
}

const ffmpegPaths = (): { ffmpeg?: string; ffprobe?: string } => {
  const { FFMPEG_PATH: ffmpeg, FFPROBE_PATH: ffprobe } = process.env;
  return defined({ ffmpeg, ffprobe });
};

/** `poster predict` for videos: frames are looked at as they come; whatever ends it, what was done is written. */
export async function predictVideos(
  inputs: readonly VideoInput[],
  options: PredictVideoOptions,
  recognizerOptions: RecognizerOptions,
): Promise<void> {
  await checkVideos(inputs, options);
  const lines = printsLines(inputs, options);
  const recognizer = await openRecognizer(options, recognizerOptions);
  const stop = stopOnSignals('Finishing the frames in progress, then stopping; press again to quit at once.');
  const { detect = {} } = recognizerOptions;
  const results = watchVideos(recognizer, inputs, { ...options, detect }, lines, stop.signal, live);
  const { signal, release } = stop;
  await tellVideos(results, recognizer, options, lines, { isStopped: () => signal.aborted, release });
}

/** Before anything is looked at: that options and outputs fit the videos. @throws UserError */
export async function checkVideos(inputs: readonly VideoInput[], options: PredictVideoOptions): Promise<void> {
  checkOptions(inputs, options);
  await checkOutputs(inputs, options);
}

/** Whether each frame is printed. */
export const printsLines = (
  inputs: readonly Pick<VideoInput, 'live'>[],
  { json, jsonl, csv }: PredictVideoOptions,
): boolean => jsonl === true || (json !== true && csv !== '-' && inputs.some((input) => input.live));

/** Where it is told at once. */
const live: VideoTeller = { line: writeOut, note };

/** Looks at videos as they come, one after the other. What can be told of the frames is told on the way. */
export async function* watchVideos(
  recognizer: Recognizer,
  inputs: Iterable<VideoInput> | AsyncIterable<VideoInput>,
  options: WatchOptions,
  lines: boolean,
  stop: AbortSignal,
  teller: VideoTeller,
): AsyncGenerator<VideoResult, void, void> {
  for await (const input of inputs) {
    if (stop.aborted) return;
    let result: VideoResult | undefined;
    try {
      result = await predictVideo(recognizer, input, options, lines, stop, teller);
    } catch (error) {
      if (!(error instanceof UserError) || error.kind !== 'input') throw error;
      const reason = sentenceOf(error);
      teller.note(`poster: ${reason}`);
      result = { video: input.name, failed: reason };
    }
    if (result === undefined) return;
    yield result;
  }
}

/** With what is asked of the detector. */
export type WatchOptions = PredictVideoOptions & { readonly detect: NonNullable<RecognizerOptions['detect']> };

function checkOptions(inputs: readonly VideoInput[], options: PredictVideoOptions): void {
  const { draw, timeline, csv, json, jsonl, saveCrops } = options;
  const several = inputs.length > 1;
  const problem =
    csv === '-' && (json === true || jsonl === true)
      ? '--csv - and --json both write to standard output; give --csv a file'
      : draw !== undefined && /\.(png|jpe?g|webp)$/i.test(draw)
        ? '--draw of a video names an .mp4, .mov or .mkv file, or a folder for frames'
        : timeline !== undefined && !isChartFile(timeline)
          ? '--timeline names an .svg or .png file'
          : saveCrops !== undefined
            ? '--save-crops is for pictures; --draw with a folder keeps the frames of a video'
            : several && [draw, timeline, csv].some((path) => path !== undefined)
              ? '--draw, --timeline and --csv name one file for several videos; give one video at a time'
              : undefined;
  if (problem !== undefined) throw new UserError(`${problem}.`, 'usage');
}

/** Before anything is written: no video is lost, and all files can be made. */
async function checkOutputs(inputs: readonly VideoInput[], options: PredictVideoOptions): Promise<void> {
  const { checkpoint, draw, timeline, csv, stream } = options;
  if (draw !== undefined) await checkDrawing(draw, isVideoFile, '.mp4, .mov or .mkv');
  const outputs: NamedOutput[] = [
    ...(csv === undefined || csv === '-' ? [] : [{ option: '--csv', path: csv }]),
    ...(draw === undefined || !isVideoFile(draw) ? [] : [{ option: '--draw', path: draw }]),
    ...(timeline === undefined ? [] : [{ option: '--timeline', path: timeline }]),
  ];
  const read = inputs.flatMap(({ source }) => (typeof source === 'string' ? [source] : []));
  const guard = await guardInputs([checkpoint, ...read, ...(stream === undefined ? [] : [stream])]);
  for (const { option, path } of outputs) await guard(`${option} ${path}`, path);
  await checkOutputFiles(outputs);
}

/** @returns undefined where it is to stop before there is anything to tell */
async function predictVideo(
  recognizer: Recognizer,
  input: VideoInput,
  options: WatchOptions,
  lines: boolean,
  signal: AbortSignal,
  teller: VideoTeller,
): Promise<VideoResult | undefined> {
  const { labels } = recognizer.labels;
  const ending = new AbortController();
  const bar = videoProgress();
  const onDamage = (sentence: string): void => {
    bar.hide();
    teller.note(`poster: ${sentence}`);
  };
  const video = await opened(input, { ...sourceOptions(options), onDamage }, signal, ending);
  if (video === undefined) return undefined;
  const summary = new VideoSummary(labels, video.fps);
  const outputs: FrameOutput[] = lines ? [jsonLines(input.name, teller.line)] : [];
  let failure: UserError | undefined;
  const fail = (error: unknown): void => {
    if (!(error instanceof UserError)) throw error;
    bar.hide();
    if (failure === undefined) teller.note(`poster: ${sentenceOf(error)}`);
    failure ??= error;
  };
  bar.begin(video.seconds);
  try {
    if (options.csv !== undefined) outputs.push(await csvTimeline(options.csv, labels));
    if (options.draw !== undefined) outputs.push(await drawing(options.draw, recognizer, video));
    const frames = untilAborted(video.frames(), signal, ending);
    const results = recognizeFrames(recognizer, frames, {
      live: video.live,
      detect: options.detect,
      picture: options.draw !== undefined,
      crops: options.timeline !== undefined,
      ...defined({ smooth: options.smooth }),
    });
    for await (const frame of results) {
      summary.add(frame);
      for (const output of outputs) await output.add(frame);
      bar.update(frame.time - (options.start ?? 0) + 1 / video.fps, frame.faces.length);
    }
  } catch (error) {
    // A video that breaks off: what came before it counts. Without any frame there is nothing to tell.
    // Nor where nothing can be told.
    if (summary.totals().frames === 0 || isStdoutFailure(error)) throw error;
    fail(error);
  } finally {
    bar.stop();
    ending.abort();
    // Each, whatever became of the others.
    for (const output of outputs) await output.end().catch(fail);
  }
  const totals = summary.totals();
  if (options.timeline !== undefined) {
    await writeTimeline(options.timeline, input.title, labels, totals).catch(fail);
  }
  return {
    video: input.name,
    fps: video.fps,
    document: videoDocument(totals),
    summary: summaryText(input.name, totals),
    ...(failure === undefined ? {} : { failure: { reason: sentenceOf(failure), code: exitCodeOf(failure) } }),
  };
}

/** A video whose frames end with `ending`. Opening it may take as long as its source likes: undefined where `signal` comes meanwhile. */
async function opened(
  { source }: VideoInput,
  options: NonNullable<Parameters<typeof openVideo>[1]>,
  signal: AbortSignal,
  ending: AbortController,
): Promise<Video | undefined> {
  const release = whenAborted(signal, () => ending.abort(signal.reason));
  try {
    const name = source instanceof Readable ? { name: 'Standard input' } : {};
    const video = await openVideo(source, { ...options, ...name, signal: ending.signal });
    return signal.aborted ? undefined : video;
  } catch (error) {
    if (signal.aborted && error === signal.reason) return undefined;
    throw error;
  } finally {
    release();
  }
}

function sourceOptions({
  fps,
  start,
  duration,
  maxSide,
  rotate,
}: PredictVideoOptions): Parameters<typeof openVideo>[1] {
  return { ...ffmpegPaths(), ...defined({ fps, start, duration, maxSide, rotate }) };
}

async function drawing(to: string, { template }: Recognizer, { fps }: Video): Promise<FrameOutput> {
  const { drawnVideo, frameFolder } = await import('./drawing.js');
  return isVideoFile(to) ? drawnVideo(to, template, fps, ffmpegPaths()) : frameFolder(to, template);
}
