import { baseName, save } from '../files/save.js';
import { messageOf } from '../state/errors.js';
import { notify } from '../state/notices.js';
import { Button } from '../ui/index.js';
import type { OpenedPicture } from './pictures.js';

interface ExportBarProps {
  readonly all: readonly OpenedPicture[];
  readonly picture: OpenedPicture;
}

/** Results as files: tables of all pictures, the drawing of this one. */
export function ExportBar({ all, picture }: ExportBarProps) {
  const { result } = picture;
  const isRead = result.phase === 'read';
  const isDone = all.every((one) => one.result.phase === 'read' || one.result.phase === 'failed');
  const run = (make: () => Promise<void>) => async (): Promise<void> => {
    try {
      await make();
    } catch (error) {
      notify(`The file could not be made: ${messageOf(error)}`, { kind: 'error' });
    }
  };
  if (!isRead) return null;
  const drawing = run(async () => {
    const { annotatedPng } = await import('./drawing.js');
    save(await annotatedPng(picture, result), `${baseName(picture.name)}-seen.png`);
  });
  const json = run(async () => {
    const { predictionsJson } = await import('./exports.js');
    save(await predictionsJson(all), 'faces.json');
  });
  const csv = run(async () => {
    const { facesCsv } = await import('./exports.js');
    save(await facesCsv(all), 'faces.csv');
  });
  return (
    <div class="export-bar">
      <p class="export-words">
        {all.length === 1 ? 'Save the result as' : `Save the results of ${all.length} pictures as`}
      </p>
      <div class="actions">
        <Button icon="download" disabled={!isDone} onClick={() => void json()}>
          JSON
        </Button>
        <Button icon="download" disabled={!isDone} onClick={() => void csv()}>
          CSV
        </Button>
        {result.recognition.faces.length === 0 ? null : (
          <Button icon="picture" onClick={() => void drawing()}>
            Picture with faces
          </Button>
        )}
      </div>
    </div>
  );
}
