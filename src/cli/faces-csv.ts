import { once } from 'node:events';
import { PassThrough } from 'node:stream';
import { stringify } from 'csv-stringify/sync';
import { entryOf } from '../common/item-at.js';
import { writeFileAtomic } from '../node/files/files.js';
import { hundredths } from '../recognize/index.js';
import type { PredictionOutput } from './prediction-output.js';
import { writeOut } from './stdout.js';

/**
 * A row a face: `image`, `face` (1 is the surest), box in pixels, `detection_score`, `expression`, `probability` and
 * `p_<label>` of each label, and `low_contrast` (`true` or `false`). A picture without a face has a row with these empty, so that none is missing from the table. Cells
 * that a spreadsheet would take for a formula begin with an apostrophe.
 *
 * @param target a file, which is there as a whole once the last picture is done, or `-` for standard output
 * @throws UserError when the file cannot be written.
 */
export function csvOutput(target: string, labels: readonly string[]): PredictionOutput {
  const write = target === '-' ? { line: writeOut, end: async () => undefined } : fileWriter(target);
  const head = ['image', 'face', 'x', 'y', 'width', 'height', 'detection_score', 'expression', 'probability'];
  let opened = false;
  const put = async (rows: readonly (readonly (string | number)[])[]): Promise<void> => {
    const all = opened ? rows : [[...head, ...labels.map((label) => `p_${label}`), 'low_contrast'], ...rows];
    opened = true;
    if (all.length > 0) await write.line(stringify([...all], { escape_formulas: true }));
  };
  return {
    async add({ image, faces }) {
      const rows = faces.map(({ box, detectionScore, expression, probability, scores, lowContrast }, i) => {
        const place = [box.x, box.y, box.width, box.height].map(hundredths);
        const by = new Map(scores.map((score) => [score.label, score.probability]));
        const score = detectionScore === null ? '' : detectionScore.toFixed(4);
        const probabilities = labels.map((label) => digits(entryOf(by, label)));
        return [image, i + 1, ...place, score, expression, digits(probability), ...probabilities, String(lowContrast)];
      });
      await put(rows.length > 0 ? rows : [[image, ...Array.from({ length: head.length + labels.length }, () => '')]]);
    },
    fail: async () => undefined,
    async end() {
      await put([]);
      await write.end();
    },
  };
}

const digits = (value: number): string => String(Number(value.toPrecision(7)));

/** Writes a file atomically from text that comes bit by bit. */
function fileWriter(path: string): { line(text: string): Promise<void>; end(): Promise<void> } {
  const stream = new PassThrough();
  const written = writeFileAtomic(path, stream);
  // Both are told by whoever writes next.
  stream.on('error', () => undefined);
  written.catch(() => undefined);
  return {
    async line(text) {
      // A failure has ended the stream, and is thrown here.
      if (stream.destroyed) await written;
      if (!stream.write(text)) await Promise.race([once(stream, 'drain'), written]);
    },
    async end() {
      stream.end();
      await written;
    },
  };
}
