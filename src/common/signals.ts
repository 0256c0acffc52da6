/**
 * A signal that any of some gives, with its reason. (`AbortSignal.any` is not in Node 20.0.)
 * @returns with it what must be called once nobody listens any more
 */
export function linked(given: readonly (AbortSignal | undefined)[]): {
  readonly signal: AbortSignal;
  readonly release: () => void;
} {
  const signals = given.filter((signal) => signal !== undefined);
  const controller = new AbortController();
  const stop = (): void => controller.abort(signals.find(({ aborted }) => aborted)?.reason);
  for (const signal of signals) {
    if (signal.aborted) stop();
    signal.addEventListener('abort', stop);
  }
  return {
    signal: controller.signal,
    release: () => {
      for (const signal of signals) signal.removeEventListener('abort', stop);
    },
  };
}
