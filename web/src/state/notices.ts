import { createStore } from './store.js';

/** A sentence that appears for a while, and that a screen reader says. */
export interface Notice {
  readonly id: number;
  readonly text: string;
  readonly kind: 'info' | 'error';
  /** What the visitor may do about it. */
  readonly action?: { readonly label: string; readonly run: () => void };
}

export const notices = createStore<readonly Notice[]>([]);

let count = 0;

/** Seen at once, where errors leave room. */
const most = 3;

/** Errors stay until they are closed; what can be undone, until there are too many. */
export function notify(text: string, options: Partial<Pick<Notice, 'kind' | 'action'>> = {}): void {
  const notice: Notice = { id: ++count, text, kind: 'info', ...options };
  // The same once more says nothing new.
  const others = notices.value.filter((one) => one.kind !== 'error' || one.text !== text);
  notices.set([...fewer(others), notice]);
  if (notice.kind === 'info' && notice.action === undefined) setTimeout(() => dismiss(notice.id), 6000);
}

/** Room for one more: what goes by itself goes first, then what offers something, the oldest before others. */
function fewer(all: readonly Notice[]): readonly Notice[] {
  if (all.length < most) return all;
  const infos = all.filter(({ kind }) => kind === 'info');
  const oldest = infos.find(({ action }) => action === undefined) ?? infos[0];
  return oldest === undefined ? all : fewer(all.filter((notice) => notice !== oldest));
}

export function dismiss(id: number): void {
  notices.update((all) => all.filter((notice) => notice.id !== id));
}

/** What a screen reader says, and nobody sees: results, progress. */
export const announcement = createStore('');

export const announce = (text: string): void => announcement.set(text);
