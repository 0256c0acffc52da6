import type { ShotClass } from 'poster-v2/train';
import { useState } from 'preact/hooks';
import { save } from '../files/save.js';
import { messageOf } from '../state/errors.js';
import { notify } from '../state/notices.js';
import { settings } from '../state/settings.js';
import { useStore } from '../state/store.js';
import { Button, Dialog, useFileChooser } from '../ui/index.js';
import { importShots } from './adding.js';
import { changeShots, picturesText, shotsState } from './shots-state.js';
import { forget, type Result, training } from './training.js';
import { markExported } from './unsaved.js';

interface KeepPanelProps {
  readonly classes: readonly ShotClass[];
  /** Then everything can be deleted once more. */
  readonly isDeletionPending: boolean;
}

/** What was learned and recorded, out as files, in again, and gone. */
export function KeepPanel({ classes, isDeletionPending }: KeepPanelProps) {
  const state = useStore(training);
  const count = classes.reduce((sum, { shots }) => sum + shots.length, 0);
  const chooser = useFileChooser('.zip,application/zip', ([file]) => {
    if (file !== undefined) void importShots(file);
  });
  return (
    <div class="card learn-card">
      <h2 class="learn-step">4. Keep it</h2>
      {state.phase === 'trained' ? (
        <ResultFiles result={state.result} />
      ) : (
        <p class="hint">What was learned is gone when the page is closed, unless you export it. Pictures stay.</p>
      )}
      <div class="actions">
        <Button
          icon="download"
          disabled={count === 0}
          onClick={() => void offer('shots.zip', async () => (await import('./archives.js')).shotsArchive(classes))}
        >
          Pictures (.zip)
        </Button>
        {chooser.input}
        <Button icon="upload" onClick={chooser.open}>
          Import pictures
        </Button>
      </div>
      <DeleteAll classes={classes.length} count={count} disabled={classes.length === 0 && !isDeletionPending} />
    </div>
  );
}

function ResultFiles({ result }: { readonly result: Result }) {
  const { file, learned } = result;
  const give = async (name: string, make: () => Promise<Blob>): Promise<void> => {
    if (await offer(name, make)) markExported(result);
  };
  return (
    <div class="actions">
      <Button icon="download" onClick={() => void give(file.name, async () => file)}>
        Weights (.safetensors)
      </Button>
      <Button
        icon="download"
        onClick={() =>
          void give('learned-hugging-face.zip', async () =>
            (await import('./archives.js')).huggingFaceArchive(learned.checkpoint),
          )
        }
      >
        Hugging Face folder (.zip)
      </Button>
      <Button
        onClick={() => {
          settings.update((all) => ({ ...all, model: file }));
          notify('The tab Recognise reads with what was learned; the settings lead back.');
        }}
      >
        Use it in Recognise
      </Button>
    </div>
  );
}

/** Makes a file, and hands it to the visitor; whether that went well. */
async function offer(name: string, make: () => Promise<Blob>): Promise<boolean> {
  try {
    save(await make(), name);
    return true;
  } catch (error) {
    notify(messageOf(error), { kind: 'error' });
    return false;
  }
}

interface DeleteAllProps {
  readonly classes: number;
  readonly count: number;
  readonly disabled: boolean;
}

function DeleteAll({ classes, count, disabled }: DeleteAllProps) {
  const [open, setOpen] = useState(false);
  const remove = async (): Promise<void> => {
    setOpen(false);
    const cleared = changeShots((shots) => shots.clear());
    // What was learned goes at once, as the pictures do.
    forget();
    // The panel says what the browser did not delete.
    if ((await cleared) && shotsState.value?.isDeletionPending !== true)
      notify('Everything that was recorded and learned here is deleted.');
  };
  return (
    <>
      <div class="actions">
        <Button kind="danger" icon="trash" disabled={disabled} staysFocused onClick={() => setOpen(true)}>
          Delete everything
        </Button>
      </div>
      <Dialog title="Delete everything?" open={open} onClose={() => setOpen(false)}>
        <p>
          {picturesText(count)} of {classes} {classes === 1 ? 'class' : 'classes'}, and what was learned from them, go.
          Files that you exported stay.
        </p>
        <div class="actions">
          <Button kind="danger" icon="trash" onClick={() => void remove()}>
            Delete everything
          </Button>
          <Button onClick={() => setOpen(false)}>Keep it</Button>
        </div>
      </Dialog>
    </>
  );
}
