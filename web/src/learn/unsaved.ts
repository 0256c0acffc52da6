import { askBeforeLeaving } from '../shell/leaving.js';
import { shotsState } from './shots-state.js';
import { type Result, training } from './training.js';

/** What was learned and is in a file by now. */
let exported: Result | undefined;

/** The visitor has a file of it. */
export function markExported(result: Result): void {
  exported = result;
  tellTraining();
}

function tellTraining(): void {
  const { value } = training;
  const runs = value.phase === 'preparing' || value.phase === 'training';
  askBeforeLeaving('training', runs || (value.phase === 'trained' && value.result !== exported));
}

training.subscribe(tellTraining);
// Where the browser keeps everything, nothing is lost; what it did not delete comes back.
shotsState.subscribe((state) =>
  askBeforeLeaving(
    'shots',
    state?.problem !== undefined && (state.isDeletionPending || state.classes.some(({ shots }) => shots.length > 0)),
  ),
);
