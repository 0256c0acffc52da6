import { Ahead } from '../common/ahead.js';
import { cropTemplateFor } from '../common/crop-templates.js';
import { defined } from '../common/defined.js';
import { UserError } from '../common/errors.js';
import { itemAt } from '../common/item-at.js';
import type { Lease } from '../common/memory-budget.js';
import type { Preprocessing } from '../common/preprocessing.js';
import { linked } from '../common/signals.js';
import { nextTurn, Turns } from '../common/turns.js';
import { alignFace, type DetectOptions, type Face, type FaceDetector } from '../detect/index.js';
import type { FaceCrop, LowContrast } from '../image/contrast.js';
import {
  type DecodedImage,
  type DecodeRequest,
  decodedPicture,
  type ImageDecoder,
  type ImageSource,
  isRawImage,
  type RawImage,
} from '../image/image-source.js';
import { pictureMemory } from '../image/picture-memory.js';
import type { Picture } from '../image/resize.js';
import { checkBatchSize } from './check-batch-size.js';
import type { Classifier } from './classifier.js';
import { type ClassifyCropsOptions, type CropClassifier, defaultBatchSize } from './crop-classifier.js';
import { decodeSource } from './decode-source.js';
import { cropFace, cropWhole } from './face-crops.js';
import type { Recognition, RecognizedFace } from './recognition.js';
import type { Score } from './scores.js';

/** What recognising takes. */
export interface RecognizerParts {
  readonly classifier: Classifier;
  /** Left out where pictures are face crops. */
  readonly detector?: FaceDetector;
  readonly decode: ImageDecoder;
  /** What becomes of face crops of low contrast (default `stretch`). */
  readonly lowContrast?: LowContrast;
}

/** The same with the crops of all calls going through one classifier. */
export interface Pipeline extends Omit<RecognizerParts, 'classifier'> {
  readonly crops: CropClassifier;
}

export interface RecognizeOptions {
  /** Stops between two steps, by throwing the signal's reason. */
  readonly signal?: AbortSignal;
  /** Ends the pictures, as if there were no more: those that are not decoded yet are given up, results of the others come. */
  readonly until?: AbortSignal;
  /** Over those the recognizer was loaded with. */
  readonly detect?: Omit<DetectOptions, 'signal'>;
  /** Faces that the network looks at in one run, across pictures (default 32). */
  readonly batchSize?: number;
  /** Give `picture` with each result (default false). */
  readonly picture?: boolean;
  /** Give `crop` with each face (default false). */
  readonly crops?: boolean;
  /** Give `portrait` with each face, of this width and height in pixels: a whole number from 1 to 1024 (default: none). */
  readonly portraits?: number;
}

const largestPortrait = 1024;
/** Pictures that are decoded while one is looked at. */
const decodeAhead = 4;
/** Pixels of results that wait for their batch; only those whose pictures are given along hold many. */
const maxHeldBytes = 64 * 1024 * 1024;

/** Over all calls of a process: networks have all cores anyway, and other work goes between two pictures. */
const oneAfterTheOther = new Turns();

/** A face that was cut out and is not classified yet. */
interface CroppedFace extends Pick<RecognizedFace, 'box' | 'keypoints' | 'detectionScore' | 'portrait'> {
  readonly crop: FaceCrop;
}

interface Held {
  readonly width: number;
  readonly height: number;
  readonly frames: number;
  readonly faces: readonly CroppedFace[];
  readonly picture?: Picture;
}

/**
 * Recognises pictures in their order. Decoding runs ahead in threads of its own; faces are classified in batches across
 * pictures, and whatever the length, no more than a batch of them is held. A source
 * or a picture that lets wait does not hold up results.
 *
 * @returns for each picture what is seen, or the `UserError` why it cannot be used; anything else that goes wrong is thrown
 */
export async function* recognizeAll(
  parts: Pipeline,
  images: Iterable<ImageSource> | AsyncIterable<ImageSource>,
  options: RecognizeOptions = {},
): AsyncGenerator<PromiseSettledResult<Recognition>, void, void> {
  const { signal, until, batchSize = defaultBatchSize, portraits = 1 } = options;
  if (!(Number.isInteger(portraits) && portraits >= 1 && portraits <= largestPortrait)) {
    throw new UserError(
      `Faces cannot be given ${portraits} pixels wide; portraits is a whole number from 1 to ${largestPortrait}.`,
      'usage',
    );
  }
  // What no batch ever fills would be held without end.
  checkBatchSize(batchSize);
  const classifying: ClassifyCropsOptions = { batchSize, ...defined({ signal }) };
  const left = new AbortController();
  const stop = linked([signal, until, left.signal]);
  // The picture that is waited for; those after it are decoded ahead.
  let wanted = -1;
  /** Of what is decoded and not looked at. */
  const waiting = new Set<Lease>();
  const decode = async (image: ImageSource, index: number): Promise<Waiting | PromiseRejectedResult> => {
    const decoded = await decodeOne(parts, image, index, { signal: stop.signal, urgent: () => index <= wanted });
    if ('status' in decoded) return decoded;
    // Pixels that were given are the caller's memory.
    const bytes = isRawImage(image) ? 0 : decoded.picture.data.length;
    const lease = pictureMemory().hold(bytes, false);
    waiting.add(lease);
    return { ...decoded, lease };
  };
  const decoded = new Ahead(images, decodeAhead, decode, stop.signal);
  let failure: { readonly error: unknown } | undefined;
  const next = async (): ReturnType<typeof decoded.next> => {
    wanted++;
    pictureMemory().reconsider();
    try {
      return await decoded.next();
    } catch (error) {
      signal?.throwIfAborted();
      // What was decoded before a source failed is not lost.
      if (until?.aborted !== true) failure = { error };
      return undefined;
    }
  };
  let held: (Held | PromiseRejectedResult)[] = [];
  let [crops, bytes] = [0, 0];
  async function* release(): AsyncGenerator<PromiseSettledResult<Recognition>, void, void> {
    const ready = held;
    [held, crops, bytes] = [[], 0, 0];
    for (const result of await settle(parts.crops, ready, classifying, options.crops === true)) {
      signal?.throwIfAborted();
      yield result;
    }
  }
  try {
    for (;;) {
      signal?.throwIfAborted();
      const full = crops >= batchSize || held.length >= batchSize || bytes >= maxHeldBytes;
      if (held.length > 0 && (full || (await decoded.isIdle()))) yield* release();
      const picture = await next();
      if (picture === undefined || until?.aborted === true) break;
      if ('status' in picture.value) {
        held.push(picture.value);
        continue;
      }
      const { lease, ...image } = picture.value;
      const used = pictureMemory().hold(lease.bytes, true);
      lease.release();
      waiting.delete(lease);
      const prepared = await detectAndCrop(parts, image, options).finally(used.release);
      held.push(prepared);
      crops += prepared.faces.length;
      bytes += prepared.picture?.data.length ?? 0;
    }
    yield* release();
    signal?.throwIfAborted();
    if (failure !== undefined) throw failure.error;
  } finally {
    // What nobody waits for any more is given up: a server may take for ever.
    left.abort();
    await decoded.close().finally(stop.release);
    for (const lease of waiting) lease.release();
  }
}

/** With the memory that it holds until it is looked at. */
interface Waiting extends DecodedImage {
  readonly lease: Lease;
}

/** The decoded picture, or why there is none. */
async function decodeOne(
  { decode, detector }: Pipeline,
  image: ImageSource,
  index: number,
  asked: Pick<DecodeRequest, 'signal' | 'urgent'>,
): Promise<DecodedImage | PromiseRejectedResult> {
  // Crops are taken as training takes pictures, where transparency is dropped.
  const transparency = detector === undefined ? 'drop' : 'white';
  const request = { transparency, name: `Picture ${index + 1}`, ...asked } as const;
  try {
    return await decodeSource(image, request, decode);
  } catch (error) {
    if (error instanceof UserError && error.kind === 'input') return { status: 'rejected', reason: error };
    throw error;
  }
}

async function detectAndCrop(
  { crops: { classifier }, detector, lowContrast }: Pipeline,
  { picture, frames }: DecodedImage,
  { detect, signal, picture: keepPicture, portraits }: RecognizeOptions,
): Promise<Held> {
  const { preprocessing } = classifier;
  const { width, height } = picture;
  const about = { width, height, frames, ...(keepPicture === true ? { picture } : {}) };
  if (detector === undefined) {
    await nextTurn();
    const crop = cropWhole(picture, preprocessing, lowContrast);
    return { ...about, faces: [{ box: { x: 0, y: 0, width, height }, keypoints: null, detectionScore: null, crop }] };
  }
  return oneAfterTheOther.take(async () => {
    const faces = await detector.detect(picture, { ...detect, ...defined({ signal }) });
    const cropped = faces.map((face) => croppedFace(picture, face, preprocessing, lowContrast));
    if (portraits === undefined) return { ...about, faces: cropped };
    const template = cropTemplateFor(preprocessing);
    const withPortrait = (face: CroppedFace, { keypoints }: Face): CroppedFace => ({
      ...face,
      portrait: alignFace(picture, keypoints, template, portraits),
    });
    return { ...about, faces: cropped.map((face, i) => withPortrait(face, itemAt(faces, i))) };
  });
}

function croppedFace(
  picture: Picture,
  { box, keypoints, score }: Face,
  preprocessing: Preprocessing,
  lowContrast: LowContrast | undefined,
): CroppedFace {
  return { box, keypoints, detectionScore: score, crop: cropFace(picture, keypoints, preprocessing, lowContrast) };
}

async function settle(
  classifier: CropClassifier,
  held: readonly (Held | PromiseRejectedResult)[],
  options: ClassifyCropsOptions,
  keepCrops: boolean,
): Promise<PromiseSettledResult<Recognition>[]> {
  const all = held.flatMap((one) => ('status' in one ? [] : one.faces));
  const recognized = await recognizedFaces(classifier, all, options, keepCrops);
  let next = 0;
  return held.map((one) => {
    if ('status' in one) return one;
    const first = next;
    next += one.faces.length;
    return { status: 'fulfilled', value: { ...one, faces: recognized.slice(first, next) } };
  });
}

async function recognizedFaces(
  classifier: CropClassifier,
  faces: readonly CroppedFace[],
  options: ClassifyCropsOptions,
  keepCrops: boolean,
): Promise<RecognizedFace[]> {
  const crops = faces.map(({ crop }) => crop);
  const scores = await classifier.classify(crops, options);
  return faces.map(({ crop, ...face }, i) => ({
    ...face,
    ...expressed(itemAt(scores, i)),
    lowContrast: crop.lowContrast,
    ...(keepCrops ? { crop } : {}),
  }));
}

/** A face's scores with the first of them by itself. */
export function expressed(scores: readonly Score[]): Pick<RecognizedFace, 'expression' | 'probability' | 'scores'> {
  const { label: expression, probability } = itemAt(scores, 0);
  return { expression, probability, scores };
}

/** Faces of one picture that were found before, with what they show. */
export async function recognizeFaces(
  { crops: classifier, lowContrast }: Pick<Pipeline, 'crops' | 'lowContrast'>,
  image: RawImage,
  faces: readonly Face[],
  { batchSize = defaultBatchSize, crops: keepCrops = false }: Pick<RecognizeOptions, 'batchSize' | 'crops'> = {},
): Promise<RecognizedFace[]> {
  const picture = decodedPicture(image, 'The picture');
  const { preprocessing } = classifier.classifier;
  const cropped = faces.map((face) => croppedFace(picture, face, preprocessing, lowContrast));
  return recognizedFaces(classifier, cropped, { batchSize }, keepCrops);
}
