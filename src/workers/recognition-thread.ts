import { host } from '#host';
import type { Transferred } from '../common/parcel.js';
import { errorOf } from '../common/sent-errors.js';
import { whenAborted } from '../common/signals.js';
import type { Calls, Loaded, Reply, Request, SentItem, Streams } from './messages.js';
import { type Port, type StartThread, threadEnded } from './port.js';

/** The answer to a request: a result, or the end of a stream. */
type Answer = { readonly result: unknown } | undefined;

interface Waiting {
  readonly resolve: (answer: Answer) => void;
  readonly reject: (error: unknown) => void;
}

/** Stands for what the source of a stream's items threw. */
export class SourceFailure extends Error {}

/** What becomes of a stream in the thread. */
export interface ThreadStream<Result> {
  send(item: SentItem, transfer: readonly Transferred[]): void;
  /** There are no more items; `failed`: their source threw. */
  end(failed: boolean): void;
  tell(what: 'abort' | 'until'): void;
  /**
   * @returns undefined after the last
   * @throws what the stream throws in the thread; `SourceFailure`; UserError (`resources`) where the thread ends
   */
  next(): Promise<{ readonly result: Result } | undefined>;
  /** Waits until the thread has left it too. */
  leave(): Promise<void>;
}

/** A thread with a recognizer of its own. One that has ended is of no more use. */
export class RecognitionThread {
  readonly #port: Port;
  readonly #waiting = new Map<number, Waiting>();
  /** Of streams: one item more may be sent. */
  readonly #wants = new Map<number, () => void>();
  readonly #loading: Waiting;
  #disposal: Error | undefined;
  #ended: Error | undefined;
  #ids = 0;

  private constructor(startThread: StartThread, loading: Waiting) {
    this.#loading = loading;
    this.#port = startThread({
      reply: (reply) => this.#receive(reply),
      ended: (reason) => this.#end(reason),
    });
  }

  /**
   * Starts a thread and loads a recognizer in it.
   * @param signal gives loading up, and ends the thread
   * @throws UserError as `Recognizer.load` does; the signal's reason
   */
  static async start(
    startThread: StartThread,
    signal?: AbortSignal,
  ): Promise<{ readonly thread: RecognitionThread; readonly loaded: Loaded }> {
    signal?.throwIfAborted();
    let thread: RecognitionThread | undefined;
    let release: (() => void) | undefined;
    const answer = await new Promise<Answer>((resolve, reject) => {
      const made = new RecognitionThread(startThread, { resolve, reject });
      thread = made;
      if (signal === undefined) return;
      release = whenAborted(signal, () => {
        reject(signal.reason);
        // Nobody waits for its end: on Node that comes once it has loaded.
        void made.dispose(threadEnded('nobody waits for it'));
      });
    }).finally(() => release?.());
    if (thread === undefined || answer === undefined) throw new Error('a thread that loaded nothing');
    thread.#rest();
    return { thread, loaded: answer.result as Loaded };
  }

  /** Why it can do nothing more. */
  get ended(): Error | undefined {
    return this.#ended;
  }

  /**
   * @throws what the call throws in the thread; the signal's reason; UserError (`resources`) where the thread ends before it
   * answers
   */
  async call<K extends keyof Calls>(
    name: K,
    given: Parameters<Calls[K]>,
    { signal, transfer = [] }: { readonly signal?: AbortSignal; readonly transfer?: readonly Transferred[] } = {},
  ): Promise<ReturnType<Calls[K]>> {
    signal?.throwIfAborted();
    const id = this.#ids++;
    const answered = this.#ask({ type: 'call', id, name, given }, transfer);
    const release = signal === undefined ? undefined : whenAborted(signal, () => this.#post({ type: 'abort', id }));
    try {
      return (await answered)?.result as ReturnType<Calls[K]>;
    } catch (error) {
      signal?.throwIfAborted();
      throw error;
    } finally {
      release?.();
    }
  }

  /** @param want is called for each item that the stream takes */
  open<K extends keyof Streams>(
    name: K,
    options: Parameters<Streams[K]>[0],
    want: () => void,
  ): ThreadStream<ReturnType<Streams[K]>> {
    const id = this.#ids++;
    this.#post({ type: 'stream', id, name, options });
    this.#wants.set(id, want);
    return {
      send: (item, transfer) => this.#post({ type: 'item', id, item }, transfer),
      end: (failed) => this.#post({ type: 'end', id, failed }),
      tell: (type) => this.#post({ type, id }),
      next: async () => {
        const answer = await this.#ask({ type: 'next', id });
        return answer && { result: answer.result as ReturnType<Streams[K]> };
      },
      leave: async () => {
        this.#wants.delete(id);
        // A thread that has ended has left it.
        await this.#ask({ type: 'leave', id }).catch(() => undefined);
      },
    };
  }

  /** Ends it once what must not be cut off has ended; what is not answered then is rejected with the reason. */
  async dispose(reason: Error): Promise<void> {
    this.#disposal = reason;
    await this.#port.end();
  }

  /** @throws what cannot be cloned, as a DataCloneError; why the thread has ended */
  #post(request: Request, transfer: readonly Transferred[] = []): void {
    if (this.#ended === undefined) this.#port.post(request, transfer);
  }

  async #ask(request: Request & { readonly id: number }, transfer: readonly Transferred[] = []): Promise<Answer> {
    if (this.#ended !== undefined) throw this.#ended;
    this.#post(request, transfer);
    this.#port.setWaiting(true);
    try {
      return await new Promise((resolve, reject) => {
        this.#waiting.set(request.id, { resolve, reject });
      });
    } finally {
      this.#waiting.delete(request.id);
      this.#rest();
    }
  }

  /** A thread that nobody waits for does not keep the process alive, should somebody forget to dispose of it. */
  #rest(): void {
    if (this.#waiting.size === 0 && this.#disposal === undefined) this.#port.setWaiting(false);
  }

  #receive(reply: Reply): void {
    switch (reply.type) {
      case 'loaded':
        this.#loading.resolve({ result: reply.loaded });
        break;
      case 'note':
        host.note(reply.sentence);
        break;
      case 'want':
        this.#wants.get(reply.id)?.();
        break;
      case 'result':
        this.#waiting.get(reply.id)?.resolve(reply);
        break;
      case 'done':
        this.#waiting.get(reply.id)?.resolve(undefined);
        break;
      case 'error': {
        const waiting = reply.id === null ? this.#loading : this.#waiting.get(reply.id);
        waiting?.reject(reply.ofSource ? new SourceFailure() : errorOf(reply.error));
      }
    }
  }

  #end(reason: Error): void {
    this.#ended = this.#disposal ?? reason;
    this.#loading.reject(this.#ended);
    for (const { reject } of this.#waiting.values()) reject(this.#ended);
  }
}
