import { defined } from '../common/defined.js';
import type { Parcel } from '../common/parcel.js';
import { type SentError, sentError } from '../common/sent-errors.js';
import type { FaceDetector } from '../detect/index.js';
import { type ExplainEngine, explainFaces } from '../explain/explain-faces.js';
import type { ImageSource, Picture } from '../image/index.js';
import type { Recognizer } from '../recognize/index.js';
import { recognizeFrameFiles, type TimedFile } from '../video/frame-files.js';
import { recognizeFrames, type TimedImage } from '../video/index.js';
import type { Call, Calls, Loaded, Request, SentItem, Stream, StreamRequest, Streams } from './messages.js';
import type { OwnerPort } from './port.js';
import { SentItems } from './sent-items.js';
import { frameOf, imageOf, pixelsOf, sentResult } from './sent-pictures.js';

type Handlers = {
  readonly [K in keyof Calls]: (signal: AbortSignal, ...given: Parameters<Calls[K]>) => Promise<ReturnType<Calls[K]>>;
};

interface Signals {
  readonly signal: AbortSignal;
  readonly until: AbortSignal;
}

type Openers = {
  readonly [K in keyof Streams]: (
    items: AsyncIterable<SentItem>,
    options: Parameters<Streams[K]>[0],
    signals: Signals,
  ) => AsyncGenerator<Parcel<ReturnType<Streams[K]>>, void, void>;
};

/** A call or a stream under way. */
interface UnderWay {
  readonly stop: AbortController;
  readonly until: AbortController;
  /** What a stream takes and gives. */
  readonly stream?: {
    readonly items: SentItems<SentItem>;
    readonly results: AsyncGenerator<Parcel<unknown>, void, void>;
  };
}

/** What a thread answers with. */
export interface Served extends ExplainEngine {
  readonly recognizer: Recognizer;
  dispose(): Promise<void>;
}

/** As it is where nothing in the thread needs care. */
export const served = (recognizer: Recognizer): Served => ({
  recognizer,
  explainFaces: (source, options) => explainFaces(recognizer, source, options),
  dispose: () => recognizer.dispose(),
});

/** Answers what `recognition-thread.ts` asks, by a recognizer of this thread. */
class Answers {
  readonly #port: OwnerPort;
  readonly #served: Served;
  readonly #handlers: Handlers;
  readonly #openers: Openers;
  readonly #underWay = new Map<number, UnderWay>();

  constructor(port: OwnerPort, all: Served) {
    this.#port = port;
    this.#served = all;
    this.#handlers = handlersOf(all);
    this.#openers = openersOf(all.recognizer);
  }

  /** Never throws: whoever asked is told. */
  async to(request: Request): Promise<void> {
    if (request.type === 'call') return this.#call(request);
    if (request.type === 'dispose') {
      await this.#served.dispose();
      this.#port.close();
    } else if (request.type === 'stream') this.#open(request);
    else await this.#tell(request, this.#underWay.get(request.id));
  }

  async #tell(request: StreamRequest, one?: UnderWay): Promise<void> {
    switch (request.type) {
      case 'item':
        one?.stream?.items.add(request.item);
        break;
      case 'end':
        one?.stream?.items.end(request.failed);
        break;
      case 'abort':
        one?.stop.abort();
        break;
      case 'until':
        one?.until.abort();
        break;
      case 'next':
        return this.#next(request.id, one);
      case 'leave':
        return this.#leave(request.id, one);
    }
  }

  async #call<K extends keyof Calls>({ id, name, given }: Call<K>): Promise<void> {
    const stop = new AbortController();
    this.#underWay.set(id, { stop, until: stop });
    try {
      this.#port.post({ type: 'result', id, result: await this.#handlers[name](stop.signal, ...given) }, []);
    } catch (error) {
      this.#port.post({ type: 'error', id, error: sentError(error), ofSource: false }, []);
    } finally {
      this.#underWay.delete(id);
    }
  }

  #open<K extends keyof Streams>({ id, name, options }: Stream<K>): void {
    const [stop, until] = [new AbortController(), new AbortController()];
    const items = new SentItems<SentItem>(() => this.#port.post({ type: 'want', id }, []));
    const results = this.#openers[name](items, options, { signal: stop.signal, until: until.signal });
    this.#underWay.set(id, { stop, until, stream: { items, results } });
  }

  async #next(id: number, one: UnderWay | undefined): Promise<void> {
    try {
      const next = await one?.stream?.results.next();
      if (next === undefined || next.done === true) this.#end(id);
      else this.#port.post({ type: 'result', id, result: next.value.content }, next.value.transfer);
    } catch (error) {
      this.#underWay.delete(id);
      const ofSource = error === one?.stream?.items.failure;
      this.#port.post({ type: 'error', id, error: sentError(ofSource ? null : error), ofSource }, []);
    }
  }

  async #leave(id: number, one: UnderWay | undefined): Promise<void> {
    one?.stream?.items.end(false);
    // What goes wrong in leaving is nobody's answer.
    await one?.stream?.results.return().catch(() => undefined);
    this.#end(id);
  }

  #end(id: number): void {
    this.#underWay.delete(id);
    this.#port.post({ type: 'done', id }, []);
  }
}

function handlersOf({ recognizer, ...all }: Served): Handlers {
  const { classifier, crops, detector } = recognizer;
  const found = (): FaceDetector => {
    if (detector === undefined) throw new Error('pictures are face crops here: there is no detector');
    return detector;
  };
  return {
    classify: (_, images, n) => classifier.classify(images, n),
    classifyCrops: (signal, list, options) => crops.classify(list, { ...options, signal }),
    detect: async (signal, picture, options) => found().detect(picture, { ...options, signal }),
    follow: async (_, picture, faces, minScore) => found().follow(picture, faces, minScore),
    explainFaces: (signal, image, options) => all.explainFaces(imageOf(image), { ...options, signal }),
    recognizeFaces: (_, picture, faces, options) => recognizer.recognizeFaces(pixelsOf(picture), faces, options),
  };
}

function openersOf(recognizer: Recognizer): Openers {
  return {
    settle(items, options, signals) {
      async function* images(): AsyncGenerator<ImageSource, void, void> {
        for await (const item of items) if ('image' in item) yield imageOf(item.image);
      }
      return settled(recognizer.settle(images(), { ...options, ...signals }));
    },
    async *frames(items, options, { signal }) {
      const frames = framesOf<TimedImage>(items);
      for await (const frame of recognizeFrames(recognizer, frames, { ...options, signal })) yield sentResult(frame);
    },
    frameFiles: (items, options, { signal }) =>
      settled(recognizeFrameFiles(recognizer, framesOf<TimedFile>(items), { ...options, signal })),
  };
}

/** @typeParam Frame what the kind of stream takes: following says what is wrong with others */
async function* framesOf<Frame extends TimedImage | TimedFile>(
  items: AsyncIterable<SentItem>,
): AsyncGenerator<Frame, void, void> {
  for await (const item of items) if ('frame' in item) yield frameOf<Frame>(item.frame);
}

async function* settled<T extends { readonly picture?: Picture }>(
  results: AsyncIterable<PromiseSettledResult<T>>,
): AsyncGenerator<Parcel<{ readonly value: T } | { readonly refused: SentError }>, void, void> {
  for await (const result of results) {
    if (result.status === 'rejected') yield { content: { refused: sentError(result.reason) }, transfer: [], bytes: 0 };
    else {
      const { content, ...rest } = sentResult(result.value);
      yield { content: { value: content }, ...rest };
    }
  }
}

/**
 * Loads a recognizer in this thread, and answers whoever started it. Never throws: whoever asked is told.
 * @param load called once
 */
export async function serveRecognizer(port: OwnerPort, load: () => Promise<Served>): Promise<void> {
  try {
    const all = await load();
    const answers = new Answers(port, all);
    port.listen((request) => void answers.to(request));
    const { labels, preprocessing, description, prefer, acrossBatch, threads } = all.recognizer.classifier;
    const { lowContrast, detector } = all.recognizer;
    const network = { labels, preprocessing, description, ...defined<Loaded>({ prefer, acrossBatch, threads }) };
    const loaded: Loaded = { ...network, lowContrast, detects: detector !== undefined };
    port.post({ type: 'loaded', loaded }, []);
  } catch (error) {
    port.post({ type: 'error', id: null, error: sentError(error), ofSource: false }, []);
    port.close();
  }
}
