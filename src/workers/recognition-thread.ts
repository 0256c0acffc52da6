import { Worker } from 'node:worker_threads';
import { messageOf, UserError } from '../common/errors.js';
import { errorOf } from '../common/sent-errors.js';
import { whenAborted } from '../common/signals.js';
import { pictureMemory } from '../image/picture-memory.js';
import { publishNote } from '../node/checkpoints/index.js';
import { packageFile } from '../node/files/package-files.js';
import { switchTelemetryOff } from '../node/host/onnxruntime.js';
import { NativeWork } from '../node/workers/native-work.js';
import type { Calls, Loaded, Reply, Request, SentItem, Streams, ThreadData, ThreadOptions } from './messages.js';

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
  send(item: SentItem, transfer: readonly ArrayBuffer[]): void;
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

/** Milliseconds that calls of native libraries may take when the process or the thread ends. */
const patience = 30_000;

/** Of all threads. When the process ends, none of them may be within a native library. */
const works = new Set<NativeWork>();
const closeAll = (): void => {
  for (const work of works) work.close(patience);
};

/** A worker thread with a recognizer of its own. One that has ended is of no more use. */
export class RecognitionThread {
  readonly #worker: Worker;
  readonly #work = new NativeWork();
  readonly #exited: Promise<void>;
  readonly #waiting = new Map<number, Waiting>();
  /** Of streams: one item more may be sent. */
  readonly #wants = new Map<number, () => void>();
  readonly #loading: Waiting;
  #disposal: Error | undefined;
  #ended: Error | undefined;
  #ids = 0;

  private constructor(options: ThreadOptions, loading: Waiting) {
    this.#loading = loading;
    // A thread has a copy of the environment, in which ONNX Runtime's own setting comes too late.
    switchTelemetryOff();
    const workerData: ThreadData = { options, memory: pictureMemory().shared, nativeWork: this.#work.shared };
    const worker = new Worker(packageFile('dist/src/node/workers/recognition-worker.js'), {
      workerData,
      // Such as --input-type, with which no file can be run.
      execArgv: [],
    });
    this.#worker = worker;
    if (works.size === 0) process.on('exit', closeAll);
    works.add(this.#work);
    let reason = '';
    this.#exited = new Promise((resolve) => {
      worker.once('exit', () => {
        works.delete(this.#work);
        if (works.size === 0) process.off('exit', closeAll);
        this.#end(reason);
        resolve();
      });
    });
    worker.on('message', (reply: Reply) => this.#receive(reply));
    worker.on('error', (error) => {
      reason = ` (${messageOf(error)})`;
    });
  }

  /**
   * Starts a thread and loads a recognizer in it.
   * @throws UserError as `Recognizer.load` does
   */
  static async start(options: ThreadOptions): Promise<{ readonly thread: RecognitionThread; readonly loaded: Loaded }> {
    let thread: RecognitionThread | undefined;
    const answer = await new Promise<Answer>((resolve, reject) => {
      thread = new RecognitionThread(options, { resolve, reject });
    });
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
    { signal, transfer = [] }: { readonly signal?: AbortSignal; readonly transfer?: readonly ArrayBuffer[] } = {},
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

  /** Ends it once what is under way has ended; what is not answered then is rejected with the reason. */
  async dispose(reason: Error): Promise<void> {
    this.#disposal = reason;
    this.#worker.ref();
    this.#post({ type: 'dispose' });
    // Again and again: a run of the network that is under way must not be cut off.
    const timer = setInterval(() => {
      if (this.#work.close(0)) void this.#worker.terminate();
    }, patience);
    await this.#exited;
    clearInterval(timer);
  }

  /** @throws what cannot be cloned, as a DataCloneError; why the thread has ended */
  #post(request: Request, transfer: readonly ArrayBuffer[] = []): void {
    if (this.#ended === undefined) this.#worker.postMessage(request, transfer);
  }

  async #ask(request: Request & { readonly id: number }, transfer: readonly ArrayBuffer[] = []): Promise<Answer> {
    if (this.#ended !== undefined) throw this.#ended;
    this.#post(request, transfer);
    this.#worker.ref();
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
    if (this.#waiting.size === 0 && this.#disposal === undefined) this.#worker.unref();
  }

  #receive(reply: Reply): void {
    switch (reply.type) {
      case 'loaded':
        this.#loading.resolve({ result: reply.loaded });
        break;
      case 'note':
        publishNote(reply.sentence);
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

  #end(reason: string): void {
    this.#ended =
      this.#disposal ??
      new UserError(
        `The thread that recognises pictures has ended${reason}; the next call starts another one.`,
        'resources',
      );
    this.#loading.reject(this.#ended);
    for (const { reject } of this.#waiting.values()) reject(this.#ended);
  }
}
