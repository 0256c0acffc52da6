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

/** What an epoch is compared by. Fractions; the cross-entropy in nats. */
export interface MeasuredFigures {
  readonly accuracy: number;
  readonly meanClassAccuracy: number;
  readonly macroF1: number;
  readonly crossEntropy: number;
  readonly ece: number;
}

/** Figures of pictures that were measured. @throws RangeError where there were none, and a mean is of nothing */
export function measuredFigures(evaluation: Evaluation): MeasuredFigures {
  const { accuracy, meanClassAccuracy, macroF1, crossEntropy } = evaluation;
  const { ece } = evaluation.calibration;
  if (accuracy === null || meanClassAccuracy === null || macroF1 === null || crossEntropy === null || ece === null) {
    throw new RangeError('nothing was measured');
  }
  return { accuracy, meanClassAccuracy, macroF1, crossEntropy, ece };
}

/** Mean and sample deviation of each figure. */
export function spreadOf(all: readonly Pick<Figures, FigureName>[]): Readonly<Record<FigureName, Spread>> {
  const of = (name: FigureName): Spread => spread(all.map((figures) => figures[name]));
  return {
    accuracy: of('accuracy'),
    meanClassAccuracy: of('meanClassAccuracy'),
    macroF1: of('macroF1'),
    ece: of('ece'),
    brier: of('brier'),
  };
}
