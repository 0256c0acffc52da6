import type { Evaluation } from '../metrics/evaluation.js';
import { type Spread, spread } from '../metrics/summary.js';
import { formatTable, percent } from './table.js';

/** The figures of an evaluation that are compared over seeds and folds. */
const figures = {
  'accuracy %': (one: Evaluation) => one.accuracy,
  'mean-class %': (one: Evaluation) => one.meanClassAccuracy,
  'macro-F1 %': (one: Evaluation) => one.macroF1,
  'ECE %': (one: Evaluation) => one.calibration.ece,
} as const;

export interface EvaluationSpread {
  readonly accuracy: Spread;
  readonly meanClassAccuracy: Spread;
  readonly macroF1: Spread;
  readonly ece: Spread;
  readonly brier: Spread;
}

/** Mean and sample deviation of each figure over several evaluations. */
export function spreadOf(evaluations: readonly Evaluation[]): EvaluationSpread {
  return {
    accuracy: spread(evaluations.map((one) => one.accuracy)),
    meanClassAccuracy: spread(evaluations.map((one) => one.meanClassAccuracy)),
    macroF1: spread(evaluations.map((one) => one.macroF1)),
    ece: spread(evaluations.map((one) => one.calibration.ece)),
    brier: spread(evaluations.map((one) => one.calibration.brier)),
  };
}

/**
 * A row for each evaluation, and below them mean and deviation, in percent with two digits after the point.
 * @param what heads the column of names, such as `fold`
 */
export function measurementsTable(
  what: string,
  rows: readonly { readonly name: string; readonly evaluation: Evaluation }[],
): string {
  const columns = Object.values(figures);
  const spreads = columns.map((figure) => spread(rows.map(({ evaluation }) => figure(evaluation))));
  return formatTable([
    [what, 'pictures', ...Object.keys(figures)],
    ...rows.map(({ name, evaluation }) => [
      name,
      String(evaluation.samples),
      ...columns.map((figure) => percent(figure(evaluation), 2)),
    ]),
    ['mean', '', ...spreads.map(({ mean }) => percent(mean, 2))],
    ['deviation', '', ...spreads.map(({ deviation }) => percent(deviation, 2))],
  ]);
}
