import { type FileHandle, open } from 'node:fs/promises';
import { stringify } from 'csv-stringify/sync';
import { explainFileError } from '../../node/files/files.js';
import type { VideoFace, VideoFrame } from '../../video/index.js';
import { jsonText } from '../json-text.js';
import { hundredths } from '../prediction-output.js';
import { writeOut } from '../stdout.js';

/** Where frames go, one after the other. */
export interface FrameOutput {
  add(frame: VideoFrame): Promise<void>;
  /** What was added is kept. */
  end(): Promise<void>;
}

const fourth = (value: number): number => Math.round(value * 1e4) / 1e4;
const milliseconds = (seconds: number): number => Math.round(seconds * 1e3) / 1e3;

/** A line of JSON a frame, as it comes. */
export function jsonLines(video: string): FrameOutput {
  return {
    add: ({ time, frame, width, height, faces }) =>
      writeOut(
        `${jsonText({ video, time: milliseconds(time), frame, width, height, faces: faces.map(faceDocument) })}\n`,
      ),
    end: async () => undefined,
  };
}

function faceDocument({
  id,
  box,
  keypoints,
  detectionScore,
  expression,
  probability,
  scores,
  smoothed,
  lowContrast,
}: VideoFace): object {
  const byLabel = (list: readonly { readonly label: string; readonly probability: number }[]): object =>
    Object.fromEntries(list.map((score) => [score.label, fourth(score.probability)]));
  return {
    id,
    box: { x: hundredths(box.x), y: hundredths(box.y), width: hundredths(box.width), height: hundredths(box.height) },
    keypoints:
      keypoints &&
      Object.fromEntries(
        Object.entries(keypoints).map(([name, { x, y }]) => [name, { x: hundredths(x), y: hundredths(y) }]),
      ),
    detectionScore: detectionScore === null ? null : fourth(detectionScore),
    expression,
    probability: fourth(probability),
    scores: byLabel(scores),
    smoothed: byLabel(smoothed),
    lowContrast,
  };
}

/**
 * A row for each face of each frame: `time`, `frame`, `track`, box, `expression`, `probability`, `p_<label>`, smoothed, and `low_contrast`. The
 * file grows as frames are done: what is in it stays, whatever happens.
 * @param target a file, or `-` for standard output
 * @throws UserError when it cannot be written.
 */
export async function csvTimeline(target: string, labels: readonly string[]): Promise<FrameOutput> {
  const file = target === '-' ? undefined : await opened(target);
  const put = async (rows: (string | number)[][]): Promise<void> => {
    if (rows.length === 0) return;
    const text = stringify(rows, { escape_formulas: true });
    if (file === undefined) return writeOut(text);
    try {
      await file.write(text);
    } catch (error) {
      throw explainFileError(error, 'write', target);
    }
  };
  const place = ['x', 'y', 'width', 'height'];
  await put([
    [
      'time',
      'frame',
      'track',
      ...place,
      'expression',
      'probability',
      ...labels.map((one) => `p_${one}`),
      'low_contrast',
    ],
  ]);
  return {
    add: ({ time, frame, faces }) =>
      put(
        faces.map(({ id, box, expression, probability, smoothed, lowContrast }) => {
          const by = new Map(smoothed.map((score) => [score.label, score.probability]));
          const corners = [box.x, box.y, box.width, box.height].map(hundredths);
          const values = labels.map((label) => fourth(by.get(label) ?? 0));
          return [
            milliseconds(time),
            frame,
            id,
            ...corners,
            expression,
            fourth(probability),
            ...values,
            String(lowContrast),
          ];
        }),
      ),
    end: async () => {
      await file?.close();
    },
  };
}

async function opened(path: string): Promise<FileHandle> {
  try {
    return await open(path, 'w');
  } catch (error) {
    throw explainFileError(error, 'write', path);
  }
}
