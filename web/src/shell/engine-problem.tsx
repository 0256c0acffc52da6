import { loadAgain, recognizerState } from '../state/recognizer.js';
import { settings } from '../state/settings.js';
import { useStore } from '../state/store.js';
import { Button, Problem } from '../ui/index.js';

/** Why there is no network, and the way on; nothing where there is one. */
export function EngineProblem() {
  const state = useStore(recognizerState);
  const { model, device } = useStore(settings);
  if (state.phase !== 'failed') return null;
  return (
    <Problem
      title="The network could not be loaded"
      actions={
        <>
          <Button onClick={loadAgain}>Try again</Button>
          {device === 'cpu' ? null : (
            <Button kind="quiet" onClick={() => settings.update((all) => ({ ...all, device: 'cpu' }))}>
              Compute on the processor
            </Button>
          )}
          {model === undefined ? null : (
            <Button kind="quiet" onClick={() => settings.update((all) => ({ ...all, model: undefined }))}>
              Back to the page's own network
            </Button>
          )}
        </>
      }
      detail={state.detail}
    >
      {state.reason}
    </Problem>
  );
}
