import { quoted } from '../common/command-line.js';
import { measurementsTable } from '../node/report/index.js';
import type { CrossValidation } from '../node/runs/cross-validation.js';

/** The table of the folds that are done, and how to go on where some are not. */
export function crossValidationText(out: string, { run, done }: CrossValidation): string {
  const table = measurementsTable(
    'fold',
    done.map(({ fold, figures }) => ({ name: String(fold), figures })),
  );
  const left = run.folds - done.length;
  return [
    ...(done.length === 0 ? [] : [table]),
    ...(left === 0
      ? [`Each fold was measured with weights that never saw it, neither in training nor to choose the best epoch.`]
      : [`Stopped and saved, ${left} of ${run.folds} folds to go: poster train --resume ${quoted([out])}`]),
  ].join('\n');
}
