import { percent } from '../../common/percent.js';
import type { CorruptedFigures, Robustness } from '../../metrics/index.js';
import { formatTable } from './text-tables.js';

/** A table of accuracies and one of class means, in percent: a row for each corruption, a column for each strength. */
export function corruptionText(robustness: Robustness): string {
  return [
    tableOf(robustness, 'accuracy', 'Accuracy %'),
    '',
    tableOf(robustness, 'meanClassAccuracy', 'Mean-class accuracy %'),
    '',
    formatTable([
      ['What the strengths are', ...robustness.strengths.map((_, s) => String(s + 1))],
      ...robustness.corruptions.map(({ name, unit, strengths }) => [
        `${name}: ${unit}`,
        ...strengths.map(({ strength }) => String(strength)),
      ]),
    ]),
  ].join('\n');
}

function tableOf(
  { clean, corruptions, strengths, mean }: Robustness,
  figure: keyof CorruptedFigures,
  title: string,
): string {
  const cells = (figures: readonly CorruptedFigures[]): string[] => figures.map((one) => percent(one[figure]));
  return [
    `${title} under corruptions of growing strength; as the pictures are: ${percent(clean[figure])}`,
    formatTable([
      ['', ...strengths.map((_, s) => String(s + 1)), 'mean'],
      ...corruptions.map((row) => [row.name, ...cells([...row.strengths, row.mean])]),
      ['mean', ...cells([...strengths, mean])],
    ]),
  ].join('\n');
}
