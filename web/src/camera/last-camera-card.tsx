import { useStore } from '../state/store.js';
import { Button } from '../ui/index.js';
import { lastCamera } from './recorded.js';
import { RecordedExports } from './recorded-exports.js';
import { timeText } from './text.js';

/** What the last camera gave, to be saved or forgotten; nothing where there was none. */
export function LastCameraCard() {
  const recorded = useStore(lastCamera);
  const last = recorded?.history.at(-1);
  if (recorded === undefined || last === undefined) return null;
  return (
    <section class="card last-camera" aria-labelledby="last-camera">
      <div>
        <h2 id="last-camera" class="subtitle">
          The last recording
        </h2>
        <p class="hint">
          Expressions over {timeText(last.time)}, without pictures. They are gone when this page is closed.
        </p>
      </div>
      <div class="actions">
        <RecordedExports {...recorded} />
        <Button kind="quiet" icon="trash" onClick={() => lastCamera.set(undefined)}>
          Discard
        </Button>
      </div>
    </section>
  );
}
