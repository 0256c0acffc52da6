import type { ShotClass } from 'poster-v2/train';
import { useStore } from '../state/store.js';
import { Button, Problem, Progress, percentText } from '../ui/index.js';
import { ConfusionTable } from './confusion-table.js';
import { LearningCurve } from './learning-curve.js';
import { keepsOthers, missingFor, type Result, stopTraining, type Training, train, training } from './training.js';

/** Training: what is missing for it, how it goes, and what came of it. */
export function TrainPanel({ classes }: { readonly classes: readonly ShotClass[] }) {
  const state = useStore(training);
  const keep = useStore(keepsOthers);
  const missing = missingFor(classes);
  const isRunning = state.phase === 'preparing' || state.phase === 'training';
  return (
    <div class="card learn-card">
      <h2 class="learn-step">2. Train</h2>
      {missing === undefined ? null : <p class="hint">{missing}</p>}
      <label class="check">
        <input
          type="checkbox"
          checked={keep}
          disabled={isRunning}
          onChange={({ currentTarget }) => keepsOthers.set(currentTarget.checked)}
        />
        <span>Keep the expressions that the network knows as answers</span>
      </label>
      <div class="actions">
        {isRunning ? (
          <Button onClick={stopTraining} disabled={state.phase === 'training' && state.stopping} staysFocused>
            Stop
          </Button>
        ) : (
          <Button kind="primary" disabled={missing !== undefined} onClick={() => void train()}>
            {state.phase === 'trained' ? 'Train again' : 'Train'}
          </Button>
        )}
      </div>
      <Progressed state={state} />
    </div>
  );
}

function Progressed({ state }: { readonly state: Training }) {
  switch (state.phase) {
    case 'idle':
      return null;
    case 'preparing':
      return <Progress label="Reading pictures and weights" share={undefined} />;
    case 'failed':
      return <Problem title="Nothing was learned">{state.reason}</Problem>;
    case 'training': {
      const last = state.history.at(-1);
      const [epoch, epochs] = [last?.epoch ?? 0, last?.epochs ?? 1];
      const label = state.stopping ? 'Stopping' : `Epoch ${Math.min(epoch + 1, epochs)} of ${epochs}`;
      return (
        <>
          <Progress label={label} share={epoch / epochs} />
          <LearningCurve history={state.history} />
        </>
      );
    }
    case 'trained':
      return <Trained result={state.result} />;
  }
}

function Trained({ result: { learned, labels, accuracy, counts, stopped } }: { readonly result: Result }) {
  const { evaluation, history, epoch } = learned;
  const right = Math.round(accuracy * counts.heldOut);
  return (
    <>
      <div class="trained">
        <p class="trained-figure">{percentText(accuracy)}</p>
        <p>
          {right} of {counts.heldOut} pictures that were kept to measure with are right. {counts.training} trained.
          {stopped ? ` You stopped it; epoch ${epoch} was the best until then.` : ''}
        </p>
      </div>
      <LearningCurve history={history} />
      <ConfusionTable labels={labels} confusion={evaluation.confusion} />
      <p class="hint">
        So few pictures flatter a little. Pictures of one moment are nearly the same: try it in other light before you
        rely on it.
      </p>
    </>
  );
}
