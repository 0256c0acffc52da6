import { stringify } from 'csv-stringify/sync';
import { itemAt } from '../common/item-at.js';
import { logSoftmax } from '../metrics/index.js';
import { writeFileAtomic } from '../node/files/files.js';
import type { Evaluated } from '../node/measure/index.js';

/** Rows that are put into words at once. */
const piece = 1000;

/**
 * Writes a line for each measured picture: `path` within the dataset, `true` and `predicted` label, and `p_<label>`, the
 * probability of each label to 7 digits. Cells that a spreadsheet would take for a formula begin with an apostrophe.
 * @throws UserError when the file cannot be written.
 */
export function writePredictions(path: string, evaluated: Pick<Evaluated, 'labels' | 'measured'>): Promise<void> {
  return writeFileAtomic(path, lines(evaluated));
}

function* lines({ labels: { labels }, measured }: Pick<Evaluated, 'labels' | 'measured'>): Iterable<Uint8Array> {
  const { paths, labels: truth, logits } = measured;
  const bytes = (rows: readonly (readonly string[])[]): Uint8Array =>
    Buffer.from(stringify([...rows], { escape_formulas: true }));
  yield bytes([['path', 'true', 'predicted', ...labels.map((label) => `p_${label}`)]]);
  for (let start = 0; start < paths.length; start += piece) {
    yield bytes(
      paths.slice(start, start + piece).map((picture, n) => {
        const i = start + n;
        const row = logits.data.subarray(i * logits.classes, (i + 1) * logits.classes);
        const best = row.reduce((top, value, c) => (value > itemAt(row, top) ? c : top), 0);
        const probabilities = logSoftmax(row).map((value) => String(Number(Math.exp(value).toPrecision(7))));
        return [picture, itemAt(labels, itemAt(truth, i)), itemAt(labels, best), ...probabilities];
      }),
    );
  }
}
