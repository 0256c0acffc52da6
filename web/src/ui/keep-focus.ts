import { nextFrame } from '../files/turns.js';

/**
 * Keyboards and screen readers go on beside what is removed: without this, at the top of the page.
 * @param item of a list, which is about to go
 * @param selector what is focused in the next item, or else in the one before
 * @param otherwise what is focused where there is no other item
 */
export function keepFocus(item: Element | null, selector: string, otherwise: string): void {
  if (item === null || !item.contains(document.activeElement)) return;
  const near =
    item.nextElementSibling?.querySelector<HTMLElement>(selector) ??
    item.previousElementSibling?.querySelector<HTMLElement>(selector);
  void nextFrame().then(() => {
    // Where it was not removed after all, or something else has been focused since, that stays.
    if (document.activeElement !== null && document.activeElement !== document.body) return;
    if (near?.isConnected === true) near.focus();
    else document.querySelector<HTMLElement>(otherwise)?.focus();
  });
}
