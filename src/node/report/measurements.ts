import { percent } from '../../common/percent.js';
import { type FigureName, type Figures, figureNames, spreadOf } from '../../metrics/index.js';
import { formatTable } from './text-tables.js';

/**
 * A row for each evaluation, and below them mean and deviation: percent with two digits after the point, Brier scores
 * with four.
 * @param what heads the column of names, such as `fold`
 */
export function measurementsTable(
  what: string,
  rows: readonly { readonly name: string; readonly figures: Figures }[],
): string {
  const text = (name: FigureName, value: number | null): string =>
    name !== 'brier' ? percent(value, 2) : value === null ? '-' : value.toFixed(4);
  const spreads = spreadOf(rows.map(({ figures }) => figures));
  return formatTable([
    [what, 'pictures', 'accuracy %', 'mean-class %', 'macro-F1 %', 'ECE %', 'Brier'],
    ...rows.map(({ name, figures }) => [
      name,
      String(figures.samples),
      ...figureNames.map((figure) => text(figure, figures[figure])),
    ]),
    ['mean', '', ...figureNames.map((figure) => text(figure, spreads[figure].mean))],
    ['deviation', '', ...figureNames.map((figure) => text(figure, spreads[figure].deviation))],
  ]);
}
