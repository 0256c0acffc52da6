import { entryOf } from '../common/item-at.js';
import { fourDigits, hundredths } from '../recognize/index.js';
import type { VideoFrame } from './recognize-frames.js';
import { milliseconds } from './video-document.js';

/** What the columns of `videoRows` are called, as a CSV's first row. */
export const videoColumns = (labels: readonly string[]): string[] => [
  ...['time', 'frame', 'track', 'x', 'y', 'width', 'height', 'expression', 'probability'],
  ...labels.map((label) => `p_${label}`),
  'low_contrast',
];

/**
 * A row for each face of a frame: time in seconds, frame, number of the face, its box in pixels, the expression, its probability and those
 * of all labels, smoothed, and whether its contrast is low.
 * @param labels in the order of the columns
 */
export function videoRows({ time, frame, faces }: VideoFrame, labels: readonly string[]): (string | number)[][] {
  return faces.map(({ id, box, expression, probability, smoothed, lowContrast }) => {
    const by = new Map(smoothed.map((score) => [score.label, score.probability]));
    const corners = [box.x, box.y, box.width, box.height].map(hundredths);
    const values = labels.map((label) => fourDigits(entryOf(by, label)));
    return [
      milliseconds(time),
      frame,
      id,
      ...corners,
      expression,
      fourDigits(probability),
      ...values,
      String(lowContrast),
    ];
  });
}
