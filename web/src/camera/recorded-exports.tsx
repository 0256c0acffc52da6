import { baseName, save } from '../files/save.js';
import { Button } from '../ui/index.js';
import { framesCsv, framesJson } from './exports.js';
import type { Recorded } from './recorded.js';

/** Buttons that save what was read of a video. */
export function RecordedExports({ name, labels, history }: Recorded) {
  const isEmpty = history.length === 0;
  return (
    <>
      <Button
        kind="quiet"
        icon="download"
        disabled={isEmpty}
        onClick={() => void framesCsv(labels, history).then((file) => save(file, `${baseName(name)}.csv`))}
      >
        CSV
      </Button>
      <Button
        kind="quiet"
        icon="download"
        disabled={isEmpty}
        onClick={() => void framesJson(name, history).then((file) => save(file, `${baseName(name)}.json`))}
      >
        JSON
      </Button>
    </>
  );
}
