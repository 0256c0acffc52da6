import { Ahead } from '../common/ahead.js';
import { cropTemplateFor } from '../common/crop-templates.js';
import { defined } from '../common/defined.js';
import { UserError } from '../common/errors.js';
import { entryOf, itemAt } from '../common/item-at.js';
import type { Preprocessing } from '../common/preprocessing.js';
import { type Box, cropTransform, type Keypoints } from '../detect/index.js';
import type { FaceCrop, LowContrast } from '../image/contrast.js';
import type { DecodeRequest, PictureObject } from '../image/index.js';
import type { Picture } from '../image/resize.js';
import { checkBatchSize } from '../recognize/check-batch-size.js';
import { checkRecognizer } from '../recognize/check-recognizer.js';
import {
  type ClassifyCropsOptions,
  cropFace,
  cropWhole,
  decodeObject,
  defaultBatchSize,
  type Recognizer,
  type Score,
} from '../recognize/index.js';
import { FrameFaces } from './frame-faces.js';
import { checkFramesOptions, type RecognizeFramesOptions } from './frame-options.js';
import { inLevel, levelOf, type Pyramid, PyramidMaker } from './pyramid.js';
import { ScoreSmoother } from './smoothing.js';

/** A label and its smoothed probability. */
export interface SmoothedScore {
  readonly label: string;
  readonly probability: number;
}

/** A face of a frame. Places are pixels of the frame. */
export interface VideoFace {
  /** The same for a face in all frames: 1, 2, ... */
  readonly id: number;
  readonly box: Box;
  /** Null where frames are face crops. */
  readonly keypoints: Keypoints | null;
  readonly detectionScore: number | null;
  /** The most probable label by the smoothed scores. */
  readonly expression: string;
  /** That label's, smoothed, in [0, 1]. */
  readonly probability: number;
  /** All labels for this frame alone, the most probable first. */
  readonly scores: readonly Score[];
  /** All labels, smoothed over time, the most probable first. */
  readonly smoothed: readonly SmoothedScore[];
  /** Whether the crop's contrast is low: a face that is dark, washed out or in fog, which is read less surely. */
  readonly lowContrast: boolean;
  /** What the network saw. Where it was asked for. */
  readonly crop?: Picture;
}

/** What a frame shows. */
export interface VideoFrame {
  /** Seconds from the beginning of the video. */
  readonly time: number;
  /** Which of the frames that are looked at, from 0. */
  readonly frame: number;
  readonly width: number;
  readonly height: number;
  /** In the order of their ids. */
  readonly faces: readonly VideoFace[];
  /** Where it was asked for. */
  readonly picture?: Picture;
}

/** Frames with a longer side are shrunk to it, in pixels, unless a call says otherwise: enough for all but small faces. */
export const defaultMaxSide = 1280;

/** Smoothed scores of faces that are gone for so long, in seconds, are forgotten. */
const memory = 60;
/** Pixels of frames that wait for their batch. */
const maxHeldBytes = 64 * 1024 * 1024;
/** A source that gives no frame for so long, in milliseconds, does not hold up results. */
const patience = 50;

/** A frame at its time, whose picture is of any kind. */
export interface TimedFrame<T> {
  /** Seconds from the beginning of the video. */
  readonly time: number;
  /** Which of the frames that are looked at: 0, 1, ...; those that a live stream left no time for are not given. */
  readonly frame: number;
  /** Upright, with square pixels. */
  readonly picture: T;
  /** Another scene begins, as after a seek: faces are new, and times may begin anew. Cuts are found without it (default false). */
  readonly cut?: boolean;
}

/** A frame at its time. In browsers also a canvas, a video or a frame of one. */
export type TimedImage = TimedFrame<PictureObject>;

/** Makes pixels of frames. */
export type FrameDecoder<T> = (picture: T, request: DecodeRequest) => Promise<Picture>;

interface Held {
  readonly frame: Omit<VideoFrame, 'faces'>;
  readonly cut: boolean;
  readonly faces: readonly CroppedFace[];
}

/** A face that was cut out and is not classified yet. */
interface CroppedFace extends Pick<VideoFace, 'id' | 'box' | 'keypoints' | 'detectionScore'> {
  readonly crop: FaceCrop;
}

/** A recognizer's engine that follows faces by itself, since its networks are in another thread. */
export interface FrameEngine {
  /** As the function of that name. */
  recognizeFrames(
    frames: AsyncIterable<TimedImage>,
    options: RecognizeFramesOptions,
  ): AsyncGenerator<VideoFrame, void, void>;
}

/**
 * Follows the faces of frames of any origin and reads their expressions, in the same memory however many they are.
 * @param frames in the order of their times
 * @throws UserError (kind `usage`) for what is no recognizer, no frames, or options that cannot be, and for frames that are not in the
 * order of their times; what the frames throw, after the results of those before; the signal's reason
 */
export async function* recognizeFrames(
  recognizer: Recognizer,
  frames: AsyncIterable<TimedImage>,
  options: RecognizeFramesOptions = {},
): AsyncGenerator<VideoFrame, void, void> {
  checkRecognizer(recognizer, 'recognizeFrames');
  checkFrames(frames);
  checkFramesOptions(options, 'recognizeFrames');
  const { engine } = recognizer;
  const complete = { ...options, detect: { ...recognizer.detect, ...options.detect } };
  yield* isFrameEngine(engine) ? engine.recognizeFrames(frames, complete) : ofThis(recognizer, frames, complete);
}

/** Programs without types may pass a list, or one frame. @throws UserError (kind `usage`) */
function checkFrames(frames: unknown): void {
  if (typeof frames === 'object' && frames !== null && Symbol.asyncIterator in frames) return;
  throw new UserError(
    'recognizeFrames takes an async iterable of frames, such as an async generator; for one frame at a time use VideoRecognizer.',
    'usage',
  );
}

const isFrameEngine = (engine: object): engine is FrameEngine => 'recognizeFrames' in engine;

async function* ofThis(
  recognizer: Recognizer,
  frames: AsyncIterable<TimedImage>,
  options: RecognizeFramesOptions,
): AsyncGenerator<VideoFrame, void, void> {
  for await (const result of followFrames(recognizer, frames, options, decodeObject)) {
    if (result.status === 'rejected') throw result.reason;
    yield result.value;
  }
}

/**
 * As `recognizeFrames` in this thread, for pictures that something makes pixels of.
 * @param decode throws a UserError (kind `input`) for a picture that cannot be used
 * @returns for such a frame why, in its place
 */
export async function* followFrames<T>(
  recognizer: Recognizer,
  frames: AsyncIterable<TimedFrame<T>>,
  options: RecognizeFramesOptions,
  decode: FrameDecoder<T>,
): AsyncGenerator<PromiseSettledResult<VideoFrame>, void, void> {
  const { smooth = 0.5, batchSize = defaultBatchSize, live = false, signal } = options;
  // What no batch ever fills would be held without end.
  checkBatchSize(batchSize);
  const classifying: ClassifyCropsOptions = { batchSize, ...defined({ signal }) };
  const findFaces = faceFinder(recognizer, options, decode);
  const smoother = new ScoreSmoother(smooth);
  let held: Held[] = [];
  let [crops, bytes] = [0, 0];
  async function* release(): AsyncGenerator<PromiseFulfilledResult<VideoFrame>, void, void> {
    const ready = held;
    [held, crops, bytes] = [[], 0, 0];
    for (const frame of await scored(recognizer, smoother, ready, classifying, options.crops === true)) {
      signal?.throwIfAborted();
      yield { status: 'fulfilled', value: frame };
    }
  }
  // The next frame is read while this one is looked at.
  const ahead = new Ahead(frames, 1, async (frame: TimedFrame<T>) => frame, signal);
  try {
    for (;;) {
      const next = await ahead.next().catch((error: unknown) => ({ error }));
      if (next === undefined) break;
      if ('error' in next) {
        // What was seen before a source failed is not lost.
        if (signal?.aborted !== true) yield* release();
        throw next.error;
      }
      const found = await findFaces(next.value);
      if ('status' in found) {
        yield* release();
        yield found;
        continue;
      }
      held.push(found);
      crops += found.faces.length;
      bytes += found.frame.picture?.data.length ?? 0;
      const full = live || crops >= batchSize || held.length >= batchSize || bytes >= maxHeldBytes;
      if (full || (await ahead.isIdle({ source: patience }))) yield* release();
    }
    yield* release();
    signal?.throwIfAborted();
  } finally {
    await ahead.close();
  }
}

function faceFinder<T>(
  recognizer: Recognizer,
  options: RecognizeFramesOptions,
  decode: FrameDecoder<T>,
): (frame: TimedFrame<T>) => Promise<Held | PromiseRejectedResult> {
  const { detector, lowContrast } = recognizer;
  const { preprocessing } = recognizer.classifier;
  const { maxSide = defaultMaxSide, signal } = options;
  const found = detector === undefined ? undefined : new FrameFaces(detector, options);
  const pyramids = new PyramidMaker();
  return async ({ time, frame, picture: image, cut = false }) => {
    if (!Number.isFinite(time)) throw new UserError(`Frame ${frame} is at ${time} s; times are seconds.`, 'usage');
    const name = `The picture of frame ${frame}`;
    const decoded = await usable(decode(image, { name, transparency: 'white', maxSide, ...defined({ signal }) }));
    if ('status' in decoded) return decoded;
    const picture = decoded;
    const { width, height } = picture;
    const about = { time, frame, width, height, ...(options.picture === true ? { picture } : {}) };
    if (found === undefined) {
      const crop = cropWhole(picture, preprocessing, lowContrast);
      const whole = { id: 1, box: { x: 0, y: 0, width, height }, keypoints: null, detectionScore: null, crop };
      return { frame: about, cut, faces: [whole] };
    }
    const pyramid = pyramids.of(picture);
    if (cut) found.cut();
    const tracked = await found.next(time, pyramid);
    return {
      frame: about,
      cut,
      faces: tracked.map(({ id, face: { box, keypoints, score } }) => {
        const crop = cropFrom(pyramid, keypoints, preprocessing, lowContrast);
        return { id, box, keypoints, detectionScore: score, crop };
      }),
    };
  };
}

/** The picture, or why it is none. */
async function usable(decoded: Promise<Picture>): Promise<Picture | PromiseRejectedResult> {
  try {
    return await decoded;
  } catch (error) {
    if (error instanceof UserError && error.kind === 'input') return { status: 'rejected', reason: error };
    throw error;
  }
}

/** A crop from the smallest picture that has its detail. */
function cropFrom(
  pyramid: Pyramid,
  keypoints: Keypoints,
  preprocessing: Preprocessing,
  lowContrast: LowContrast,
): FaceCrop {
  const { a, b } = cropTransform(keypoints, cropTemplateFor(preprocessing), preprocessing.imageSize);
  const level = levelOf(pyramid, Math.hypot(a, b) * Math.max(pyramid[0].width, pyramid[0].height));
  return cropFace(level, inLevel(pyramid, level, keypoints), preprocessing, lowContrast);
}

async function scored(
  recognizer: Recognizer,
  smoother: ScoreSmoother,
  held: readonly Held[],
  classifying: ClassifyCropsOptions,
  keepCrops: boolean,
): Promise<VideoFrame[]> {
  const { labels } = recognizer.labels;
  const crops = held.flatMap(({ faces }) => faces.map(({ crop }) => crop));
  const scores = await recognizer.crops.classify(crops, classifying);
  let next = 0;
  return held.map(({ frame, cut, faces }) => {
    smoother.forgetBefore(cut ? Number.POSITIVE_INFINITY : frame.time - memory);
    return {
      ...frame,
      faces: faces.map(({ crop, ...face }): VideoFace => {
        const raw = itemAt(scores, next++);
        const smoothed = smoothedScores(smoother, face.id, frame.time, labels, raw);
        const { label: expression, probability } = itemAt(smoothed, 0);
        return {
          ...face,
          expression,
          probability,
          scores: raw,
          smoothed,
          lowContrast: crop.lowContrast,
          ...(keepCrops ? { crop } : {}),
        };
      }),
    };
  });
}

function smoothedScores(
  smoother: ScoreSmoother,
  id: number,
  time: number,
  labels: readonly string[],
  raw: readonly Score[],
): SmoothedScore[] {
  const byLabel = new Map(raw.map(({ label, probability }) => [label, probability]));
  const values = smoother.update(
    id,
    time,
    labels.map((label) => entryOf(byLabel, label)),
  );
  return labels
    .map((label, k) => ({ label, probability: itemAt(values, k) }))
    .sort((a, b) => b.probability - a.probability);
}
