import { note } from './context.js';

/**
 * Ctrl-C (or a scheduler's SIGTERM) asks to save and stop; the second one ends the process at once.
 * @param said what the user is told meanwhile
 * @param reason of the signal: what is thrown by work that cannot end halfway
 */
export function stopOnSignals(
  said = 'Saving after this step, then stopping; once more to quit at once.',
  reason?: Error,
): { readonly signal: AbortSignal; readonly release: () => void } {
  const controller = new AbortController();
  const signals = ['SIGINT', 'SIGTERM'] as const;
  const release = (): void => {
    for (const name of signals) process.removeListener(name, first);
  };
  const first = (): void => {
    // Without our listener the system's own action is back, which works in the middle of a computation too.
    release();
    note(`\n${said}`);
    controller.abort(reason);
  };
  for (const name of signals) process.on(name, first);
  return { signal: controller.signal, release };
}
