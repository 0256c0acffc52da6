import { useMemo } from 'preact/hooks';
import { Icon, keepFocus } from '../ui/index.js';
import { choosePicture, closePicture, type OpenedPicture } from './pictures.js';
import { resultText } from './result-text.js';

interface TrayProps {
  readonly all: readonly OpenedPicture[];
  readonly chosen: number;
  readonly onAdd: () => void;
}

/** The open pictures, small, in a row. */
export function Tray({ all, chosen, onAdd }: TrayProps) {
  return (
    <ul class="tray" aria-label="Open pictures">
      {all.map((picture) => (
        <TrayItem key={picture.id} picture={picture} isChosen={picture.id === chosen} />
      ))}
      <li class="tray-item">
        <button type="button" class="tray-add" onClick={onAdd}>
          <Icon name="add" />
          <span>Add</span>
        </button>
      </li>
    </ul>
  );
}

interface TrayItemProps {
  readonly picture: OpenedPicture;
  readonly isChosen: boolean;
}

/** Of hundreds of pictures, only those are drawn anew that have changed. */
function TrayItem({ picture, isChosen }: TrayItemProps) {
  return useMemo(
    () => (
      <li class="tray-item">
        <button
          type="button"
          class="tray-picture"
          aria-current={isChosen ? 'true' : undefined}
          aria-label={`${picture.name}: ${stateText(picture)}`}
          title={picture.name}
          onClick={() => choosePicture(picture.id)}
        >
          {picture.result.phase === 'failed' ? (
            <Icon name="warning" />
          ) : (
            <img src={picture.url} alt="" loading="lazy" decoding="async" />
          )}
          <Badge picture={picture} />
        </button>
        <button
          type="button"
          class="tray-close"
          aria-label={`Close ${picture.name}`}
          title="Close"
          onClick={({ currentTarget }) => {
            keepFocus(currentTarget.closest('li'), '.tray-close', '.pictures button');
            closePicture(picture.id);
          }}
        >
          <Icon name="close" />
        </button>
      </li>
    ),
    [picture, isChosen],
  );
}

/** How many faces it has. */
function Badge({ picture: { result } }: { readonly picture: OpenedPicture }) {
  if (result.phase === 'failed') return null;
  if (result.phase !== 'read') return <span class="tray-badge tray-busy" aria-hidden="true" />;
  return (
    <span class="tray-badge" aria-hidden="true">
      {result.recognition.faces.length}
    </span>
  );
}

function stateText({ result }: OpenedPicture): string {
  switch (result.phase) {
    case 'waiting':
      return 'waiting';
    case 'reading':
      return 'being read';
    case 'failed':
      return 'could not be read';
    case 'read':
      return resultText(result.recognition);
  }
}
