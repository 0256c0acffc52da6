/** Keeps what a visitor has from being lost by mishap. */

/** Files that are dropped beside the places for them would be opened in place of the page, and everything that is open with it. */
export function refuseOtherDrops(): void {
  const refuse = (event: DragEvent): void => {
    if (event.defaultPrevented || event.dataTransfer?.types.includes('Files') !== true) return;
    event.preventDefault();
    event.dataTransfer.dropEffect = 'none';
  };
  addEventListener('dragover', refuse);
  addEventListener('drop', refuse);
}

/** What would be lost if the page were left, each by a name of its own. */
const reasons = new Set<string>();
const ask = (event: BeforeUnloadEvent): void => event.preventDefault();

/** Has the browser ask before the page is left, for as long as anything would be lost. */
export function askBeforeLeaving(reason: string, applies: boolean): void {
  if (applies) reasons.add(reason);
  else reasons.delete(reason);
  // Pages that ask are not kept for the browser's Back: none is asked without a reason.
  if (reasons.size > 0) addEventListener('beforeunload', ask);
  else removeEventListener('beforeunload', ask);
}
