import type { ComponentChildren } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import { droppedFiles, mostDropped } from '../files/dropped.js';
import { messageOf } from '../state/errors.js';
import { notify } from '../state/notices.js';
import { Button } from './button.js';
import { useFileChooser } from './use-file-chooser.js';

interface DropZoneProps {
  /** What the button says that opens the system's dialog. */
  readonly button: string;
  /** MIME types, as of `<input accept>`. */
  readonly accept: string;
  readonly multiple?: boolean;
  readonly onFiles: (files: readonly File[]) => void;
  /** Above the button. */
  readonly children?: ComponentChildren;
  /** Beside the button. */
  readonly more?: ComponentChildren;
}

/** Files are dropped on it or chosen by its button. */
export function DropZone({ button, accept, multiple = false, onFiles, children, more }: DropZoneProps) {
  const chooser = useFileChooser(accept, onFiles, multiple);
  const { over, handlers } = useDrop(onFiles);
  return (
    // Keyboards have the button; dropping is for the mouse.
    <div class={over ? 'drop-zone drop-zone-over' : 'drop-zone'} {...handlers}>
      {children}
      <div class="drop-zone-actions">
        {chooser.input}
        <Button kind="primary" icon="upload" onClick={chooser.open}>
          {button}
        </Button>
        {more}
      </div>
    </div>
  );
}

/** Handlers of an element that files may be dropped on, and whether some are held over it. */
export function useDrop(onFiles: (files: readonly File[]) => void) {
  const [over, setOver] = useState(false);
  const handlers = {
    onDragOver(event: DragEvent) {
      event.preventDefault();
      setOver(true);
    },
    onDragLeave(event: DragEvent) {
      const { currentTarget, relatedTarget } = event;
      const stays =
        currentTarget instanceof Node && relatedTarget instanceof Node && currentTarget.contains(relatedTarget);
      if (!stays) setOver(false);
    },
    onDrop(event: DragEvent) {
      setOver(false);
      // A smaller place has taken them.
      if (event.defaultPrevented) return;
      event.preventDefault();
      droppedFiles(event.dataTransfer).then(
        ({ files, isMore }) => {
          if (isMore)
            notify(
              `Of folders that are dropped at once, ${mostDropped.toLocaleString('en-US')} files are taken, in the order of their names; drop the others by themselves.`,
              { kind: 'error' },
            );
          if (files.length > 0) onFiles(files);
        },
        (error: unknown) =>
          notify(`What was dropped cannot be read (${messageOf(error)}); choose the files instead.`, { kind: 'error' }),
      );
    },
  };
  return { over, handlers };
}

/** Takes files that are dropped anywhere on the page; whether some are held over it. */
export function usePageDrop(onFiles: (files: readonly File[]) => void): boolean {
  const { over, handlers } = useDrop(onFiles);
  const latest = useRef(handlers);
  latest.current = handlers;
  useEffect(() => {
    const leaving = new AbortController();
    const root = document.documentElement;
    root.addEventListener('dragover', (event) => latest.current.onDragOver(event), leaving);
    root.addEventListener('dragleave', (event) => latest.current.onDragLeave(event), leaving);
    root.addEventListener('drop', (event) => latest.current.onDrop(event), leaving);
    return () => leaving.abort();
  }, []);
  return over;
}
