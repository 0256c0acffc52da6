import { detectionDocument, type FaceDocument, fourDigits } from '../recognize/index.js';
import type { VideoFace, VideoFrame } from './recognize-frames.js';
import type { VideoTotals } from './summary.js';

/** A face of a frame as programs read it: plain JSON. Probabilities have four digits. */
export interface VideoFaceDocument extends Pick<FaceDocument, 'box' | 'keypoints' | 'detectionScore' | 'lowContrast'> {
  readonly id: number;
  readonly expression: string;
  readonly probability: number;
  /** Probabilities by label, for this frame alone. */
  readonly scores: Readonly<Record<string, number>>;
  /** The same, smoothed over time. */
  readonly smoothed: Readonly<Record<string, number>>;
}

/** What a frame shows, as programs read it. */
export interface FrameDocument {
  /** In seconds, to the millisecond. */
  readonly time: number;
  readonly frame: number;
  readonly width: number;
  readonly height: number;
  readonly faces: readonly VideoFaceDocument[];
}

export function frameDocument({ time, frame, width, height, faces }: VideoFrame): FrameDocument {
  return { time: milliseconds(time), frame, width, height, faces: faces.map(faceDocument) };
}

function faceDocument(face: VideoFace): VideoFaceDocument {
  const { box, keypoints, detectionScore } = detectionDocument(face);
  return {
    id: face.id,
    box,
    keypoints,
    detectionScore,
    expression: face.expression,
    probability: fourDigits(face.probability),
    scores: byLabel(face.scores),
    smoothed: byLabel(face.smoothed),
    lowContrast: face.lowContrast,
  };
}

const byLabel = (
  scores: readonly { readonly label: string; readonly probability: number }[],
): Readonly<Record<string, number>> =>
  Object.fromEntries(scores.map(({ label, probability }) => [label, fourDigits(probability)]));

/** To the thousandth of a second. */
export const milliseconds = (seconds: number): number => Math.round(seconds * 1e3) / 1e3;

/** What a video shows as a whole, as programs read it. Times are seconds, to the millisecond. */
export interface VideoDocument {
  readonly frames: number;
  readonly seconds: number;
  /** By how much frames have to be turned for most faces to stand; left out where they do. */
  readonly rotate?: 90 | 180 | 270;
  readonly tracks: readonly TrackDocument[];
  /** Tracks that were too short to be kept among very many; left out where there are none. */
  readonly others?: { readonly count: number; readonly seconds: number };
}

export interface TrackDocument {
  readonly id: number;
  readonly from: number;
  readonly to: number;
  readonly seconds: number;
  readonly lowContrastSeconds: number;
  readonly expressions: readonly { readonly label: string; readonly seconds: number }[];
}

export function videoDocument({ frames, seconds, rotate, tracks, others }: VideoTotals): VideoDocument {
  return {
    frames,
    seconds: milliseconds(seconds),
    ...(rotate === 0 ? {} : { rotate }),
    tracks: tracks.map((track) => ({
      id: track.id,
      from: milliseconds(track.from),
      to: milliseconds(track.to),
      seconds: milliseconds(track.seconds),
      lowContrastSeconds: milliseconds(track.lowContrastSeconds),
      expressions: track.expressions.map((one) => ({ label: one.label, seconds: milliseconds(one.seconds) })),
    })),
    ...(others.count > 0 ? { others: { count: others.count, seconds: milliseconds(others.seconds) } } : {}),
  };
}
