import { setTimeout as sleep } from 'node:timers/promises';
import type { FastifyBaseLogger } from 'fastify';
import { messageOf } from '../../common/errors.js';
import type { ProgressOptions } from '../../common/load-progress.js';
import type { Picture } from '../../image/resize.js';
import { Recognizer, type RecognizerOptions } from '../../recognize/index.js';
import type { ThreadEngine } from '../../workers/thread-engine.js';
import { startProcessEngine } from '../workers/start-process-engine.js';
import type { Metrics } from './metrics.js';
import { RequestProblem } from './problem.js';

/** What a server recognises with: `worker` and `decode` are its own matter. */
export type ServedRecognizer = Omit<RecognizerOptions, 'worker' | 'decode' | 'signal' | keyof ProgressOptions>;

/** `loading` at first, and while starting again has failed; `restarting` while the next process is started, which work waits for. */
export type NetworksState = 'loading' | 'restarting' | 'ok';

/** Seconds until a process is started again after others in a row that did not come so far as to load the networks. */
const pauseAfter = (failures: number): number => Math.min(60, 2 ** (failures - 1));

/**
 * The networks in a process of their own. Where that ends, those whose work is in hand are told, and the next is started. No work is
 * done again: it may be what ended the process.
 */
export class Networks {
  readonly #metrics: Metrics;
  readonly #log: FastifyBaseLogger;
  readonly #stop = new AbortController();
  #loaded: { readonly engine: ThreadEngine; readonly recognizer: Recognizer } | undefined;
  #state: NetworksState = 'loading';
  /** When starting again is tried next, by the clock of `performance`. */
  #nextTry = 0;
  #pid: number | undefined;

  constructor(metrics: Metrics, log: FastifyBaseLogger) {
    this.#metrics = metrics;
    this.#log = log;
  }

  get state(): NetworksState {
    return this.#state;
  }

  /** Loads and warms the networks. @throws UserError as `Recognizer.load` does */
  async load({ detect, ...options }: ServedRecognizer): Promise<void> {
    const engine = await startProcessEngine(options, {
      used: (usage) => this.#metrics.networksUsed(usage),
      started: (pid) => {
        this.#pid = pid;
      },
      ended: (reason) => this.#ended(reason),
    });
    const recognizer = Recognizer.of(engine, detect);
    try {
      await warm(recognizer);
    } catch (error) {
      await recognizer.dispose();
      throw error;
    }
    this.#loaded = { engine, recognizer };
    if (engine.ended !== undefined) throw engine.ended;
    this.#isReady();
  }

  /** @throws RequestProblem while they are loaded; not while the next process is started, which work waits for */
  get recognizer(): Recognizer {
    if (this.#loaded !== undefined && this.#state !== 'loading') return this.#loaded.recognizer;
    const seconds = this.#loaded === undefined ? 5 : Math.max(1, Math.ceil((this.#nextTry - performance.now()) / 1000));
    throw new RequestProblem('loading', 'The networks are still being loaded; ask again in a few seconds.', {
      retryAfter: seconds,
    });
  }

  async dispose(): Promise<void> {
    this.#stop.abort();
    await this.#loaded?.recognizer.dispose();
  }

  #isReady(): void {
    this.#state = 'ok';
    this.#log.info({ pid: this.#pid }, 'the networks are loaded');
  }

  #ended(reason: Error): void {
    // While starting, whoever starts is told.
    if (this.#loaded === undefined || this.#state !== 'ok' || this.#stop.signal.aborted) return;
    this.#startAgain(this.#loaded.engine, reason).catch((error: unknown) => {
      if (!this.#stop.signal.aborted) this.#log.error({ err: error }, 'the networks');
    });
  }

  async #startAgain(engine: ThreadEngine, ended: Error): Promise<void> {
    this.#state = 'restarting';
    let reason: unknown = ended;
    for (let failures = 0; !this.#stop.signal.aborted; ) {
      this.#metrics.restarts.inc();
      this.#log.warn({ pid: this.#pid, reason: messageOf(reason) }, 'the networks are started again');
      try {
        await engine.ready();
        if (engine.ended !== undefined) throw engine.ended;
        this.#isReady();
        return;
      } catch (error) {
        reason = error;
        const pause = pauseAfter(++failures);
        this.#state = 'loading';
        this.#nextTry = performance.now() + pause * 1000;
        if (this.#stop.signal.aborted) return;
        this.#log.error({ pause, reason: messageOf(error) }, 'the networks did not start');
        await sleep(pause * 1000, undefined, { signal: this.#stop.signal });
      }
    }
  }
}

/**
 * Runs each network once, so that the first request takes no longer than others. Little is looked at: whoever waits for a server that
 * starts again waits for this too.
 */
async function warm(recognizer: Recognizer): Promise<void> {
  const { imageSize, channels } = recognizer.classifier.preprocessing;
  const data = new Uint8Array(imageSize * imageSize * channels).fill(127);
  await recognizer.crops.classify([{ width: imageSize, height: imageSize, channels, data }]);
  const side = 640;
  const gray: Picture = { width: side, height: side, channels: 1, data: new Uint8Array(side * side).fill(127) };
  await recognizer.recognize(gray, { detect: { turned: false } });
}
