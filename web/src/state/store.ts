import { useEffect, useState } from 'preact/hooks';

/** A value that components show and that anything may change. Values are replaced, never altered in place. */
export interface Store<T> {
  readonly value: T;
  set(value: T): void;
  update(change: (value: T) => T): void;
  /** @returns what ends it */
  subscribe(listener: (value: T) => void): () => void;
}

export function createStore<T>(initial: T): Store<T> {
  let current = initial;
  const listeners = new Set<(value: T) => void>();
  const set = (value: T): void => {
    if (Object.is(value, current)) return;
    current = value;
    for (const listener of [...listeners]) listener(value);
  };
  return {
    get value() {
      return current;
    },
    set,
    update: (change) => set(change(current)),
    subscribe(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
}

/** A store's value; the component is drawn again when it changes. */
export function useStore<T>(store: Store<T>): T {
  const [value, setValue] = useState<{ readonly of: T }>({ of: store.value });
  useEffect(() => {
    const take = (of: T): void => setValue({ of });
    // It may have changed between drawing and now.
    take(store.value);
    return store.subscribe(take);
  }, [store]);
  return value.of;
}
