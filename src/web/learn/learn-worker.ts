/** The worker that learns for a page: makes a learner, then trains an epoch for each that `learner.ts` asks for. */
import '../host/no-eval.js';

import { sentError } from '../../common/sent-errors.js';
import { type LearnEpoch, Learner, type LearnOptions } from '../../learn/index.js';
import { configureRuntime } from '../host/onnxruntime.js';
import type { LearnReply, LearnRequest } from './messages.js';
import { packed } from './packed.js';

/** This worker's end of the channel to its page, of which the DOM's types have none without those of all workers. */
interface Page {
  postMessage(reply: LearnReply, options: { transfer: Transferable[] }): void;
  addEventListener(type: 'message', listener: (event: MessageEvent<LearnRequest>) => void): void;
}

/** A training under way. */
interface UnderWay {
  readonly stop: AbortController;
  readonly epochs: AsyncGenerator<LearnEpoch, void, undefined>;
}

class LearnAnswers {
  #learner: Learner | undefined;
  #underWay: UnderWay | undefined;

  /** What is asked for. Never throws: whoever asked is told. */
  async to(request: Exclude<LearnRequest, { readonly type: 'abort' }>): Promise<[LearnReply, Transferable[]]> {
    try {
      switch (request.type) {
        case 'create':
          return [await this.#create(request.options, request.wasmPaths), []];
        case 'next':
          return await this.#next();
        case 'leave':
          await this.#underWay?.epochs.return();
          this.#underWay = undefined;
          return [{ type: 'done' }, []];
      }
    } catch (error) {
      const signal = this.#underWay?.stop.signal;
      this.#underWay = undefined;
      if (signal?.aborted === true && error === signal.reason) return [{ type: 'stopped' }, []];
      return [{ type: 'error', error: sentError(error) }, []];
    }
  }

  abort(): void {
    this.#underWay?.stop.abort();
  }

  async #create(options: LearnOptions, wasmPaths: string | undefined): Promise<LearnReply> {
    if (wasmPaths !== undefined) configureRuntime({ wasmPaths });
    const learner = await Learner.create(options);
    this.#learner = learner;
    const { labels, counts } = learner;
    return { type: 'created', facts: { labels, counts } };
  }

  async #next(): Promise<[LearnReply, Transferable[]]> {
    const learner = this.#learner;
    if (learner === undefined) throw new Error('there is no learner');
    this.#underWay ??= begun(learner);
    const next = await this.#underWay.epochs.next();
    if (next.done === true) {
      this.#underWay = undefined;
      return [{ type: 'done' }, []];
    }
    const epoch = next.value;
    if (!epoch.isBest) return [{ type: 'epoch', epoch, best: undefined }, []];
    const { history: _, checkpoint, ...best } = learner.best();
    const { arrays: parameters, buffer } = await packed(checkpoint.parameters);
    return [{ type: 'epoch', epoch, best: { ...best, checkpoint: { ...checkpoint, parameters } } }, [buffer]];
  }
}

function begun(learner: Learner): UnderWay {
  const stop = new AbortController();
  return { stop, epochs: learner.train({ signal: stop.signal }) };
}

function serve(page: Page): void {
  const answers = new LearnAnswers();
  let last: Promise<void> = Promise.resolve();
  page.addEventListener('message', ({ data: request }) => {
    if (request.type === 'abort') answers.abort();
    else {
      last = last.then(async () => {
        const [reply, transfer] = await answers.to(request);
        page.postMessage(reply, { transfer });
      });
    }
  });
}

serve(self);
