/**
 * Who waits for a signal, behind one listener of it: servers give one signal to many calls, and from the eleventh listener on
 * Node takes them for a leak.
 */
const waiting = new WeakMap<AbortSignal, Set<() => void>>();

/**
 * Calls back once the signal is aborted; not if it is already.
 * @returns to be called once nobody waits any more
 */
export function whenAborted(signal: AbortSignal, callback: () => void): () => void {
  let callbacks = waiting.get(signal);
  if (callbacks === undefined) {
    const all = new Set<() => void>();
    signal.addEventListener('abort', () => {
      for (const call of all) call();
    });
    waiting.set(signal, all);
    callbacks = all;
  }
  // A function of its own: the same may wait twice.
  const call = (): void => callback();
  callbacks.add(call);
  return () => {
    callbacks.delete(call);
  };
}

/**
 * A signal that any of some gives, with its reason. `AbortSignal.any` cannot be left again: a signal that lives long would
 * gather listeners.
 * @returns with it what must be called once nobody listens any more
 */
export function linked(given: readonly (AbortSignal | undefined)[]): {
  readonly signal: AbortSignal;
  readonly release: () => void;
} {
  const signals = given.filter((signal) => signal !== undefined);
  const controller = new AbortController();
  const stop = (): void => controller.abort(signals.find(({ aborted }) => aborted)?.reason);
  if (signals.some(({ aborted }) => aborted)) stop();
  const releases = signals.map((signal) => whenAborted(signal, stop));
  return {
    signal: controller.signal,
    release: () => {
      for (const release of releases) release();
    },
  };
}

/** What is waited for. @throws the signal's reason once it is aborted: the work itself goes on */
export async function orAborted<T>(waited: Promise<T>, signal: AbortSignal): Promise<T> {
  signal.throwIfAborted();
  let release: () => void = () => undefined;
  const aborted = new Promise<never>((_, reject) => {
    release = whenAborted(signal, () => reject(signal.reason));
  });
  return Promise.race([waited, aborted]).finally(release);
}
