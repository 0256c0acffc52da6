import { itemAt } from '../../common/item-at.js';
import { percent } from '../../common/percent.js';
import { printable } from '../../common/printable.js';
import { columnsOf } from '../../draw/text-width.js';
import type { ClassMetrics, ConfusionMatrix } from '../../metrics/evaluation.js';

/**
 * Rows of cells as lines of aligned columns, two spaces apart, without trailing spaces. The first column is flush left,
 * the others, which hold numbers, flush right. Short rows are filled with empty cells; a cell is one line.
 */
export function formatTable(cells: readonly (readonly string[])[]): string {
  const rows = cells.map((row) => row.map((cell) => printable(cell, Number.POSITIVE_INFINITY)));
  const columns = Math.max(0, ...rows.map((row) => row.length));
  const widths = Array.from({ length: columns }, (_, c) => Math.max(...rows.map((row) => columnsOf(row[c] ?? ''))));
  return rows
    .map((row) =>
      widths
        .map((columnWidth, c) => {
          const cell = row[c] ?? '';
          const space = ' '.repeat(columnWidth - columnsOf(cell));
          return c === 0 ? cell + space : space + cell;
        })
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}

/** A label per class index; the index itself beyond the labels. */
const labelAt = (labels: readonly string[], index: number): string => labels[index] ?? String(index);

/**
 * The confusion matrix as text: a row for each true class, a column for each predicted one, headed by the first
 * letters of its label (as few as tell the labels apart, at least 4), and the row's recall in percent at the end.
 */
export function confusionTable(matrix: ConfusionMatrix, labels: readonly string[]): string {
  const names = matrix.map((_, c) => labelAt(labels, c));
  const recall = matrix.map((row, c) => {
    const support = row.reduce((a, b) => a + b, 0);
    return percent(support === 0 ? null : itemAt(row, c) / support);
  });
  return formatTable([
    ['true \\ predicted', ...abbreviate(names), 'recall %'],
    ...matrix.map((row, c) => [itemAt(names, c), ...row.map(String), itemAt(recall, c)]),
  ]);
}

/** The shortest common number of first letters, 4 or more, that keeps different labels different. */
function abbreviate(labels: readonly string[]): string[] {
  const letters = labels.map((label) => [...label]);
  const distinct = new Set(labels).size;
  const longest = Math.max(0, ...letters.map((label) => label.length));
  for (let length = 4; length < longest; length++) {
    const short = letters.map((label) => label.slice(0, length).join(''));
    if (new Set(short).size === distinct) return short;
  }
  return [...labels];
}

/** Precision, recall, F1 (percent) and support of each class as text; `-` where undefined. */
export function perClassTable(perClass: readonly ClassMetrics[], labels: readonly string[]): string {
  return formatTable([
    ['class', 'precision %', 'recall %', 'F1 %', 'support'],
    ...perClass.map(({ precision, recall, f1, support }, c) => [
      labelAt(labels, c),
      percent(precision),
      percent(recall),
      percent(f1),
      String(support),
    ]),
  ]);
}
