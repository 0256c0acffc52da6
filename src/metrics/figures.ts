import type { Evaluation } from './evaluation.js';
import { type Spread, spread } from './spread.js';

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
export const figureNames: readonly FigureName[] = ['accuracy', 'meanClassAccuracy', 'macroF1', 'ece', 'brier'];

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
