import type { Evaluated } from '../node/measure/index.js';
import { grouped, note, noteSkipped } from './context.js';

/** What the user should know of a measurement besides its figures. */
export function noteEvaluation(result: Evaluated): void {
  if (result.note !== undefined) note(result.note);
  for (const warning of result.warnings) note(`Note: ${warning}`);
  const { shared, fold } = result.protocol;
  if (shared !== null) {
    note(
      `Note: ${grouped(shared.pictures)} of the measured pictures were also found in ${fold === null ? `split '${shared.split}'` : 'the other folds'}; --unseen leaves them out, poster check lists them.`,
    );
  }
  const leftOut = result.robustness?.leftOut ?? [];
  if (leftOut.length > 0) {
    note(`Note: ${leftOut.join(', ')} left out: the weights do not say where eyes and mouth lie in their crops.`);
  }
  noteSkipped(result.skipped);
}
