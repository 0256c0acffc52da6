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

/** Errors stay until they are closed. */
export function notify(text: string, options: Partial<Pick<Notice, 'kind' | 'action'>> = {}): void {
  const notice: Notice = { id: ++count, text, kind: 'info', ...options };
  notices.update((all) => [...all.slice(-2), notice]);
  if (notice.kind === 'info' && notice.action === undefined) setTimeout(() => dismiss(notice.id), 6000);
}

export function dismiss(id: number): void {
  notices.update((all) => all.filter((notice) => notice.id !== id));
}

/** What a screen reader says, and nobody sees: results, progress. */
export const announcement = createStore('');

export const announce = (text: string): void => announcement.set(text);
