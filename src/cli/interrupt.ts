import { isAnythingBegun, undoAll } from '../node/files/ending.js';
import { noteLines } from './context.js';
import { whenStdoutCloses } from './stdout.js';

/**
 * Ctrl-C (or a scheduler's SIGTERM, or a terminal that is closed) asks to save and stop; the second one ends the process at
 * once. Work whose results nobody reads any more (`| head`) stops in the same way.
 * @param notice what the user is told meanwhile
 * @param reason of the signal: what is thrown by work that cannot end halfway
 */
export function stopOnSignals(
  notice = 'Saving after this step, then stopping; press again to quit at once.',
  reason?: Error,
): { readonly signal: AbortSignal; readonly release: () => void } {
  const controller = new AbortController();
  const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
  const forget = (listener: (name: NodeJS.Signals) => void): void => {
    for (const name of signals) process.removeListener(name, listener);
  };
  const first = (): void => {
    // Without our listener the system's own action is back, which works in the middle of a computation too.
    forget(first);
    if (isAnythingBegun()) for (const name of signals) process.on(name, second);
    noteLines(`\n${notice}`);
    controller.abort(reason);
  };
  const second = (name: NodeJS.Signals): void => {
    undoAll();
    forget(second);
    process.kill(process.pid, name);
  };
  for (const name of signals) process.on(name, first);
  const unheard = whenStdoutCloses(() => controller.abort(reason));
  const release = (): void => {
    forget(first);
    forget(second);
    unheard();
  };
  return { signal: controller.signal, release };
}
