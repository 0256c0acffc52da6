import { useEffect } from 'preact/hooks';
import { messageOf } from '../state/errors.js';
import { notify } from '../state/notices.js';
import { useStore } from '../state/store.js';
import { useFileChooser, usePageDrop } from '../ui/index.js';
import { EmptyPictures } from './empty-pictures.js';
import { ExportBar } from './export-bar.js';
import { FacePanel } from './face-panel.js';
import { openPictures, pictures } from './pictures.js';
import { Stage } from './stage.js';
import { Tray } from './tray.js';

/** What the system's dialog offers; what can be decoded is told when it is opened. */
const accepted = 'image/*,.jpg,.jpeg,.png,.webp,.gif,.avif,.bmp';

/** Pictures: opened, read, shown. */
export function PicturePanel() {
  const { all, chosen, face } = useStore(pictures);
  const chooser = useFileChooser(accepted, openPictures, true);
  const over = usePageDrop(openPictures);
  usePaste();
  const picture = all.find(({ id }) => id === chosen);
  return (
    <section class={over ? 'panel pictures pictures-over' : 'panel pictures'} aria-label="Pictures">
      {chooser.input}
      {picture === undefined ? (
        <EmptyPictures
          onChoose={chooser.open}
          onPaste={() => void pasteFromButton()}
          onSample={() => void openSample()}
        />
      ) : (
        <>
          <h1 class="visually-hidden">Expressions in pictures</h1>
          <Tray all={all} chosen={picture.id} onAdd={chooser.open} />
          <div class="reading">
            <div class="reading-stage">
              <Stage picture={picture} face={face} />
              <ExportBar all={all} picture={picture} />
            </div>
            {picture.result.phase === 'read' ? (
              <FacePanel picture={picture} result={picture.result} face={face} />
            ) : (
              <div class="face-panel face-panel-empty" />
            )}
          </div>
        </>
      )}
      <div class="drop-hint" aria-hidden="true">
        Drop pictures to read them
      </div>
    </section>
  );
}

/** Pictures that are pasted anywhere on the page. */
function usePaste(): void {
  useEffect(() => {
    const take = (event: ClipboardEvent): void => {
      const files = [...(event.clipboardData?.files ?? [])];
      if (files.length === 0) return;
      event.preventDefault();
      openPictures(files.map(named));
    };
    document.addEventListener('paste', take);
    return () => document.removeEventListener('paste', take);
  }, []);
}

let pasted = 0;

/** Browsers call each picture of the clipboard `image.png`. */
const named = (file: File): File =>
  file.name === 'image.png' ? new File([file], `pasted-${++pasted}.png`, { type: file.type }) : file;

async function pasteFromButton(): Promise<void> {
  try {
    const files: File[] = [];
    for (const item of await navigator.clipboard.read()) {
      const type = item.types.find((one) => one.startsWith('image/'));
      if (type === undefined) continue;
      files.push(named(new File([await item.getType(type)], 'image.png', { type })));
    }
    if (files.length === 0) notify('There is no picture in the clipboard; copy one first.', { kind: 'error' });
    else openPictures(files);
  } catch {
    notify('The browser does not give the clipboard to this button; press Ctrl+V or Cmd+V instead.', { kind: 'error' });
  }
}

async function openSample(): Promise<void> {
  try {
    const response = await fetch(new URL('../sample.webp', import.meta.url));
    if (!response.ok) throw new Error(`the server answered ${response.status}`);
    openPictures([new File([await response.blob()], 'astronaut.webp', { type: 'image/webp' })]);
  } catch (error) {
    notify(`The sample could not be loaded (${messageOf(error)}); choose a picture of your own.`, { kind: 'error' });
  }
}
