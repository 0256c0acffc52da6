import { percent } from '../../common/percent.js';
import type { Evaluation } from '../../metrics/evaluation.js';
import { type Spread, spread } from '../../metrics/spread.js';
import { formatTable } from './text-tables.js';

/** What of an evaluation is compared over seeds and folds. Fractions; null where nothing defines them. */
export interface Figures {
  readonly samples: number;
  readonly accuracy: number | null;
  readonly meanClassAccuracy: number | null;
  readonly macroF1: number | null;
  readonly ece: number | null;
  readonly brier: number | null;
}
export type FigureName = Exclude<keyof Figures, 'samples'>;
const names: readonly FigureName[] = ['accuracy', 'meanClassAccuracy', 'macroF1', 'ece', 'brier'];

export function figuresOf({ samples, accuracy, meanClassAccuracy, macroF1, calibration }: Evaluation): Figures {
  const { ece, brier } = calibration;
  return { samples, accuracy, meanClassAccuracy, macroF1, ece, brier };
}

/** Mean and sample deviation of each figure. */
export function spreadOf(all: readonly Figures[]): Readonly<Record<FigureName, Spread>> {
  const of = (name: FigureName): Spread => spread(all.map((figures) => figures[name]));
  return {
    accuracy: of('accuracy'),
    meanClassAccuracy: of('meanClassAccuracy'),
    macroF1: of('macroF1'),
    ece: of('ece'),
    brier: of('brier'),
  };
}

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
      ...names.map((figure) => text(figure, figures[figure])),
    ]),
    ['mean', '', ...names.map((figure) => text(figure, spreads[figure].mean))],
    ['deviation', '', ...names.map((figure) => text(figure, spreads[figure].deviation))],
  ]);
}
