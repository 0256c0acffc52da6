import type { ShotClass } from 'poster-v2/train';
import { useState } from 'preact/hooks';
import { useStore } from '../state/store.js';
import { Button, Dialog, IconButton, keepFocus, Progress, useDrop, useFileChooser } from '../ui/index.js';
import { added, adding, addPictures } from './adding.js';
import { RecordButton } from './record-button.js';
import { recording } from './recording.js';
import { cardId, changeShots, picturesText } from './shots-state.js';
import { Thumbnails } from './thumbnails.js';

/** A class: its name, its pictures, and how it gets more. */
export function ClassCard({ of: { id, name, shots } }: { readonly of: ShotClass }) {
  const now = useStore(recording);
  const add = (files: readonly File[]): void => void addPictures(id, files);
  const chooser = useFileChooser('image/*', add, true);
  const { over, handlers } = useDrop(add);
  const isRecorded = now?.classId === id;
  return (
    <li
      id={cardId(id)}
      class={`card class-card${over ? ' class-card-over' : ''}${isRecorded ? ' class-card-recorded' : ''}`}
      {...handlers}
    >
      <div class="class-head">
        <ClassName id={id} name={name} />
        <span class="class-count">{picturesText(shots.length)}</span>
        <DeleteClass id={id} name={name} count={shots.length} />
      </div>
      <Thumbnails classId={id} shots={shots} className={name} />
      <div class="class-actions">
        <RecordButton classId={id} name={name} isRecorded={isRecorded} />
        {chooser.input}
        <Button icon="picture" onClick={chooser.open}>
          Add pictures
        </Button>
      </div>
      <AddedNote id={id} />
    </li>
  );
}

/** The name, which may be changed where it stands. */
function ClassName({ id, name }: { readonly id: string; readonly name: string }) {
  return (
    <input
      class="class-name"
      value={name}
      maxLength={200}
      aria-label="Name of the class"
      title={name}
      onChange={async ({ currentTarget }) => {
        const renamed = await changeShots((shots) => shots.renameClass(id, currentTarget.value));
        if (!renamed) currentTarget.value = name;
      }}
      onKeyDown={(event) => {
        if (event.key === 'Enter') event.currentTarget.blur();
      }}
    />
  );
}

function DeleteClass({ id, name, count }: { readonly id: string; readonly name: string; readonly count: number }) {
  const [open, setOpen] = useState(false);
  const remove = (): void => {
    keepFocus(document.getElementById(cardId(id)), '.class-head .button-icon', '#record');
    void changeShots((shots) => shots.deleteClass(id));
  };
  return (
    <>
      <IconButton
        icon="trash"
        label={`Delete the class ${name}`}
        onClick={count === 0 ? remove : () => setOpen(true)}
      />
      <Dialog title={`Delete ‘${name}’?`} open={open} onClose={() => setOpen(false)}>
        <p>
          Its {picturesText(count)} {count === 1 ? 'goes' : 'go'}, too.
        </p>
        <div class="actions">
          <Button kind="danger" icon="trash" onClick={remove}>
            Delete
          </Button>
          <Button onClick={() => setOpen(false)}>Keep it</Button>
        </div>
      </Dialog>
    </>
  );
}

/** Pictures that are looked through, and those that could not be taken. */
function AddedNote({ id }: { readonly id: string }) {
  const running = useStore(adding);
  const last = useStore(added).get(id);
  if (running?.classId === id) {
    return (
      <Progress label={`Finding faces: ${running.done} of ${running.total}`} share={running.done / running.total} />
    );
  }
  if (last === undefined || last.without.length === 0) return null;
  return (
    <details class="class-note">
      <summary>{picturesText(last.without.length)} could not be used</summary>
      <ul class="class-without">
        {last.without.slice(0, 20).map(({ name, reason }, i) => (
          <li key={`${i} ${name}`}>
            <span class="class-without-name">{name}</span>: {reason}
          </li>
        ))}
      </ul>
    </details>
  );
}
