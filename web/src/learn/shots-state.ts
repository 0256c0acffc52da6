import { type ShotClass, Shots } from 'poster-v2/train';
import { messageOf } from '../state/errors.js';
import { notify } from '../state/notices.js';
import { createStore } from '../state/store.js';

/** What was recorded, as it is shown; undefined until the browser's storage has answered. */
export interface ShotsState {
  readonly classes: readonly ShotClass[];
  /** Why something is not kept, or not deleted, in a sentence. */
  readonly problem: string | undefined;
  /** Whether the browser still keeps something that was deleted here. */
  readonly isDeletionPending: boolean;
}

export const shotsState = createStore<ShotsState | undefined>(undefined);

let opening: Promise<Shots> | undefined;

/** What was recorded; all callers share it. */
export function openShots(): Promise<Shots> {
  opening ??= Shots.open().then((shots) => {
    show(shots);
    return shots;
  });
  return opening;
}

const show = ({ classes, problem, isDeletionPending }: Shots): void =>
  shotsState.set({ classes, problem, isDeletionPending });

/**
 * Changes what was recorded, and shows it at once. Why it cannot be changed is told.
 * @returns whether it was changed
 */
export async function changeShots(change: (shots: Shots) => Promise<unknown>): Promise<boolean> {
  const shots = await openShots();
  const changed = change(shots);
  show(shots);
  try {
    await changed;
    return true;
  } catch (error) {
    notify(messageOf(error), { kind: 'error' });
    return false;
  } finally {
    show(shots);
  }
}

/** The name that a class has now; undefined where it has been deleted. */
export const nameOfClass = (id: string): string | undefined =>
  shotsState.value?.classes.find((one) => one.id === id)?.name;

/** Of the element that shows a class. */
export const cardId = (classId: string): string => `class-${classId}`;

/** `1 picture`, `2 pictures`. */
export const picturesText = (count: number): string => `${count} ${count === 1 ? 'picture' : 'pictures'}`;

/** Width and height of a recorded face, in pixels. */
export const shotSide = 112;
