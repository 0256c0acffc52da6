import type { Shot } from 'poster-v2/train';
import { useEffect, useState } from 'preact/hooks';
import { notify } from '../state/notices.js';
import { keepFocus } from '../ui/index.js';
import { cardId, changeShots, nameOfClass, shotsState } from './shots-state.js';

interface ThumbnailsProps {
  readonly classId: string;
  readonly shots: readonly Shot[];
  readonly className: string;
}

/** Shown of a class: the newest. */
const most = 24;

/** The newest pictures of a class; a click deletes one, which can be undone. */
export function Thumbnails({ classId, shots, className }: ThumbnailsProps) {
  if (shots.length === 0) return <p class="hint class-empty">No pictures yet. Hold the button, or drop some here.</p>;
  const shown = shots.slice(-most).reverse();
  return (
    <ul class="thumbnails" aria-label={`Pictures of ${className}`}>
      {shown.map((shot, i) => (
        <li key={shot.id}>
          <Thumbnail
            classId={classId}
            shot={shot}
            label={`Delete picture ${shots.length - i} of ${className}`}
            className={className}
          />
        </li>
      ))}
      {shots.length > most ? <li class="thumbnails-more">+{shots.length - most}</li> : null}
    </ul>
  );
}

function Thumbnail({
  classId,
  shot,
  label,
  className,
}: {
  readonly classId: string;
  readonly shot: Shot;
  readonly label: string;
  readonly className: string;
}) {
  const [address, setAddress] = useState<string>();
  useEffect(() => {
    const made = URL.createObjectURL(shot.picture);
    setAddress(made);
    return () => URL.revokeObjectURL(made);
  }, [shot.picture]);
  const { picture, time } = shot;
  const undo = (): void => {
    // It may have been renamed; one that was deleted comes back with its picture.
    const label = nameOfClass(classId) ?? className;
    void changeShots((shots) => shots.add([{ label, picture, time }]));
  };
  const remove = async (item: Element | null): Promise<void> => {
    keepFocus(item, 'button', `#${cardId(classId)} .class-actions button`);
    if (await changeShots((shots) => shots.deleteShots([shot.id]))) {
      const isPending = shotsState.value?.isDeletionPending === true;
      notify(isPending ? 'The picture is not deleted yet.' : 'The picture is deleted.', {
        action: { label: 'Undo', run: undo },
      });
    }
  };
  return (
    <button
      type="button"
      class="thumbnail"
      aria-label={label}
      title="Delete this picture"
      onClick={({ currentTarget }) => void remove(currentTarget.closest('li'))}
    >
      {address === undefined ? null : <img class="thumbnail-picture" src={address} alt="" width={48} height={48} />}
    </button>
  );
}
