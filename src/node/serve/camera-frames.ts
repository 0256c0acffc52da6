import { UserError } from '../../common/errors.js';

/**
 * The frames of one camera, for one reader after the other. None is lost between two of them: a camera that waits for each answer
 * would wait for ever.
 */
export class CameraFrames<T> {
  readonly #frames: AsyncIterator<T, void>;
  /** The frame that is waited for, which a reader may have left. */
  #coming: Promise<IteratorResult<T, void>> | undefined;
  #inHand = 0;

  constructor(frames: AsyncIterable<T, void>) {
    this.#frames = frames[Symbol.asyncIterator]();
  }

  /** Frames that were given and are not answered. */
  get inHand(): number {
    return this.#inHand;
  }

  /** One was answered. */
  answered(): void {
    this.#inHand--;
  }

  /** Nobody answers those in hand any more. */
  forget(): void {
    this.#inHand = 0;
  }

  /** For one reader; its end is not that of the frames. */
  once(): AsyncIterable<T, void> {
    let isLeft = false;
    const next = async (): Promise<IteratorResult<T, void>> => {
      const coming = this.#coming ?? this.#frames.next();
      this.#coming = coming;
      const result = await coming;
      if (isLeft) return { done: true, value: undefined };
      if (this.#coming === coming) this.#coming = undefined;
      if (result.done !== true) this.#inHand++;
      return result;
    };
    return {
      [Symbol.asyncIterator]: () => ({
        next,
        return: async () => {
          isLeft = true;
          return { done: true, value: undefined };
        },
      }),
    };
  }
}

/** Ends of what follows frames, one after the other, in which no frame was taken. */
const mostInVain = 3;

/**
 * Follows the frames of a camera until there are no more. Where what follows them ends in between, such as the process of the
 * networks, a frame in hand is answered by that, and the next ones are followed anew.
 * @param answer what is told of a frame
 * @throws what the frames throw, and what following throws again and again
 */
export async function followOn<T, R>(
  frames: CameraFrames<T>,
  follow: () => AsyncIterable<PromiseSettledResult<R>>,
  answer: (result: PromiseSettledResult<R>) => void,
): Promise<void> {
  for (let inVain = 0; ; ) {
    try {
      for await (const result of follow()) {
        inVain = 0;
        frames.answered();
        answer(result);
      }
      return;
    } catch (error) {
      if (!(error instanceof UserError) || error.kind !== 'resources' || ++inVain > mostInVain) throw error;
      if (frames.inHand > 0) answer({ status: 'rejected', reason: error });
      frames.forget();
    }
  }
}
