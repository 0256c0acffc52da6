import type { LabelSet } from '../common/labels.js';
import type { Box, Keypoints } from '../detect/index.js';
import type { ModelDescription } from '../safetensors/index.js';
import type { Recognition, RecognizedFace } from './recognition.js';
import type { Score } from './scores.js';

/** A face as programs read it: plain JSON, in pixels of the upright picture to the hundredth. */
export interface FaceDocument {
  readonly box: Box;
  readonly keypoints: Keypoints | null;
  /** To four digits. */
  readonly detectionScore: number | null;
  readonly expression: string;
  readonly probability: number;
  readonly scores: readonly Score[];
  readonly lowContrast: boolean;
}

/** What a picture shows, as programs read it. */
export interface RecognitionDocument {
  readonly width: number;
  readonly height: number;
  readonly frames: number;
  readonly faces: readonly FaceDocument[];
}

/** What a face crop shows, as programs read it. */
export interface CropDocument {
  readonly expression: string | null;
  readonly scores: readonly Score[];
  readonly lowContrast: boolean | null;
}

/** What a list of results begins with: the network that gave them. */
export interface PredictionsHead {
  /** The weights, as they were named. */
  readonly checkpoint: string;
  /** The network's name, such as `poster-v2-nano`. */
  readonly model: string;
  readonly labels: LabelSet;
}

/** What several pictures show, as programs read it and `poster predict` writes it as JSON. */
export interface PredictionsDocument extends PredictionsHead {
  readonly images: readonly (RecognitionDocument & { readonly image: string })[];
  /** Pictures that could not be read, and why. */
  readonly failed: readonly FailedPicture[];
}

export interface FailedPicture {
  readonly image: string;
  readonly reason: string;
}

export interface NamedRecognition {
  /** The picture's name. */
  readonly image: string;
  readonly recognition: Recognition;
}

export function predictionsHead(
  checkpoint: string,
  { model, labels }: { readonly model: { readonly name: string }; readonly labels: LabelSet },
): PredictionsHead {
  return { checkpoint, model: model.name, labels };
}

/**
 * Several results as one document.
 * @param checkpoint the weights, by any name
 * @param description of the network (`recognizer.classifier.description`)
 * @param failed pictures that could not be read (default: none)
 */
export function predictionsDocument(
  checkpoint: string,
  description: ModelDescription,
  results: readonly NamedRecognition[],
  failed: readonly FailedPicture[] = [],
): PredictionsDocument {
  const images = results.map(({ image, recognition }) => ({ image, ...recognitionDocument(recognition) }));
  return { ...predictionsHead(checkpoint, description), images, failed };
}

/** @param top labels that are listed with each face, from the most probable on (default: all) */
export function recognitionDocument({ width, height, frames, faces }: Recognition, top?: number): RecognitionDocument {
  return { width, height, frames, faces: faces.map((face) => faceDocument(face, top)) };
}

/**
 * Of a picture that was a face crop (`aligned`).
 * @param top labels that are listed, from the most probable on (default: all)
 */
export function cropDocument({ faces: [face] }: Recognition, top?: number): CropDocument {
  const { expression = null, lowContrast = null, scores = [] } = face ?? {};
  return { expression, scores: scores.slice(0, top), lowContrast };
}

function faceDocument(face: RecognizedFace, top: number | undefined): FaceDocument {
  const { box, keypoints, detectionScore, expression, probability, scores, lowContrast } = face;
  return {
    ...detectionDocument({ box, keypoints, detectionScore }),
    expression,
    probability,
    scores: scores.slice(0, top),
    lowContrast,
  };
}

/** Where a face is, in hundredths of a pixel: more than the detector knows. */
export function detectionDocument({
  box: { x, y, width, height },
  keypoints,
  detectionScore,
}: Pick<RecognizedFace, 'box' | 'keypoints' | 'detectionScore'>): Pick<
  FaceDocument,
  'box' | 'keypoints' | 'detectionScore'
> {
  return {
    box: { x: hundredths(x), y: hundredths(y), width: hundredths(width), height: hundredths(height) },
    keypoints: keypoints && roundedKeypoints(keypoints),
    detectionScore: detectionScore === null ? null : fourDigits(detectionScore),
  };
}

const roundedPoint = ({ x, y }: Keypoints['mouth']): Keypoints['mouth'] => ({ x: hundredths(x), y: hundredths(y) });

function roundedKeypoints({ rightEye, leftEye, noseTip, mouth, rightEar, leftEar }: Keypoints): Keypoints {
  return {
    rightEye: roundedPoint(rightEye),
    leftEye: roundedPoint(leftEye),
    noseTip: roundedPoint(noseTip),
    mouth: roundedPoint(mouth),
    rightEar: roundedPoint(rightEar),
    leftEar: roundedPoint(leftEar),
  };
}

export const hundredths = (value: number): number => Math.round(value * 100) / 100;
export const fourDigits = (value: number): number => Math.round(value * 1e4) / 1e4;
