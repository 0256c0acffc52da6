import { UserError } from '../common/errors.js';

const noPicture = (seconds: number): Error => new UserError(noPictureFor(seconds));

/** The sentence for a source that is silent. */
export const noPictureFor = (seconds: number): string => `No picture came for ${seconds} s; check the source.`;

/**
 * Items of a source that does not wait: it is read on while an item is worked on, and of those that came meanwhile only the
 * newest is given.
 */
export class NewestOnly<T> implements AsyncIterable<T> {
  readonly #source: AsyncIterable<T>;
  readonly #patience: number;
  readonly #first: number;
  readonly #late: (seconds: number) => Error;

  /**
   * @param patience milliseconds without an item after which the source counts as broken
   * @param first the same for the first item
   * @param late what is thrown then
   */
  constructor(source: AsyncIterable<T>, patience: number, { first = patience, late = noPicture } = {}) {
    this.#source = source;
    this.#patience = patience;
    this.#first = first;
    this.#late = late;
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<T, void, void> {
    const state: { newest?: { readonly item: T }; done: boolean; failure?: { readonly error: unknown } } = {
      done: false,
    };
    let wake: () => void = () => undefined;
    const iterator = this.#source[Symbol.asyncIterator]();
    const read = async (): Promise<void> => {
      try {
        for (;;) {
          const { done, value } = await iterator.next();
          if (done === true || state.done) break;
          state.newest = { item: value };
          wake();
        }
      } catch (error) {
        state.failure = { error };
      }
      state.done = true;
      wake();
    };
    const reading = read();
    let patience = this.#first;
    try {
      for (;;) {
        if (state.newest === undefined && !state.done) {
          const waited = await within(patience, (resolve) => {
            wake = resolve;
          });
          if (!waited) throw this.#late(patience / 1000);
        }
        const { newest } = state;
        delete state.newest;
        if (newest !== undefined) {
          yield newest.item;
          patience = this.#patience;
        } else if (state.done) {
          if (state.failure !== undefined) throw state.failure.error;
          return;
        }
      }
    } finally {
      state.done = true;
      // It may hang in the source until that is closed, by whoever opened it.
      reading.catch(() => undefined);
    }
  }
}

/** Whether what is begun ends in so many milliseconds. */
async function within(patience: number, begin: (resolve: () => void) => void): Promise<boolean> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  try {
    return await new Promise<boolean>((resolve) => {
      timer = setTimeout(() => resolve(false), patience);
      begin(() => resolve(true));
    });
  } finally {
    clearTimeout(timer);
  }
}
