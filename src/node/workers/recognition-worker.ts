/** The thread that recognises for another one: loads the networks, then answers what `recognition-thread.ts` asks. */
import { type MessagePort, parentPort, workerData } from 'node:worker_threads';
import { sentError } from '../../common/sent-errors.js';
import type { FaceDetector } from '../../detect/index.js';
import type { ImageSource } from '../../image/index.js';
import { sharePictureMemory } from '../../image/picture-memory.js';
import { Recognizer } from '../../recognize/index.js';
import { recognizeFrames, type TimedImage } from '../../video/index.js';
import type {
  Call,
  Calls,
  Loaded,
  Reply,
  Request,
  SentItem,
  Stream,
  Streams,
  ThreadData,
} from '../../workers/messages.js';
import { SentItems } from '../../workers/sent-items.js';
import { frameOf, imageOf, type Parcel, pixelsOf, sentResult } from '../../workers/sent-pictures.js';
import { noteChannel } from '../checkpoints/index.js';
import { host } from '../host/host.js';
import { NativeWork } from './native-work.js';

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

class Answers {
  readonly #port: MessagePort;
  readonly #recognizer: Recognizer;
  readonly #handlers: Handlers;
  readonly #openers: Openers;
  readonly #underWay = new Map<number, UnderWay>();

  constructor(port: MessagePort, recognizer: Recognizer) {
    this.#port = port;
    this.#recognizer = recognizer;
    this.#handlers = handlersOf(recognizer);
    this.#openers = openersOf(recognizer);
  }

  /** Never throws: whoever asked is told. */
  async to(request: Request): Promise<void> {
    if (request.type === 'call') return this.#call(request);
    if (request.type === 'dispose') {
      await this.#recognizer.dispose();
      this.#port.close();
    } else if (request.type === 'stream') this.#open(request);
    else await this.#tell(request, this.#underWay.get(request.id));
  }

  async #tell(
    request: Exclude<Request, { readonly type: 'call' | 'stream' | 'dispose' }>,
    one?: UnderWay,
  ): Promise<void> {
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
      send(this.#port, { type: 'result', id, result: await this.#handlers[name](stop.signal, ...given) });
    } catch (error) {
      send(this.#port, { type: 'error', id, error: sentError(error), ofSource: false });
    } finally {
      this.#underWay.delete(id);
    }
  }

  #open<K extends keyof Streams>({ id, name, options }: Stream<K>): void {
    const [stop, until] = [new AbortController(), new AbortController()];
    const items = new SentItems<SentItem>(() => send(this.#port, { type: 'want', id }));
    const results = this.#openers[name](items, options, { signal: stop.signal, until: until.signal });
    this.#underWay.set(id, { stop, until, stream: { items, results } });
  }

  async #next(id: number, one: UnderWay | undefined): Promise<void> {
    try {
      const next = await one?.stream?.results.next();
      if (next === undefined || next.done === true) this.#end(id);
      else send(this.#port, { type: 'result', id, result: next.value.content }, next.value.transfer);
    } catch (error) {
      this.#underWay.delete(id);
      const ofSource = error === one?.stream?.items.failure;
      send(this.#port, { type: 'error', id, error: sentError(ofSource ? null : error), ofSource });
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
    send(this.#port, { type: 'done', id });
  }
}

function send(port: MessagePort, reply: Reply, transfer: readonly ArrayBuffer[] = []): void {
  port.postMessage(reply, transfer);
}

function handlersOf(recognizer: Recognizer): Handlers {
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
    recognizeFaces: (_, picture, faces, options) => recognizer.recognizeFaces(pixelsOf(picture), faces, options),
  };
}

function openersOf(recognizer: Recognizer): Openers {
  return {
    async *settle(items, options, signals) {
      async function* images(): AsyncGenerator<ImageSource, void, void> {
        for await (const item of items) if ('image' in item) yield imageOf(item.image);
      }
      for await (const result of recognizer.settle(images(), { ...options, ...signals })) {
        if (result.status === 'rejected')
          yield { content: { refused: sentError(result.reason) }, transfer: [], bytes: 0 };
        else {
          const { content, ...rest } = sentResult(result.value);
          yield { content: { value: content }, ...rest };
        }
      }
    },
    async *frames(items, options, { signal }) {
      async function* frames(): AsyncGenerator<TimedImage, void, void> {
        for await (const item of items) if ('frame' in item) yield frameOf(item.frame);
      }
      for await (const frame of recognizeFrames(recognizer, frames(), { ...options, signal })) yield sentResult(frame);
    },
  };
}

/** The recognizer, whose calls of native libraries are counted. */
async function load({ options, nativeWork }: ThreadData): Promise<Recognizer> {
  const work = new NativeWork(nativeWork);
  const loaded = await work.do(() => Recognizer.load(options));
  const { classifier, detector, lowContrast } = loaded;
  return Recognizer.of({
    classifier: { ...classifier, classify: (images, n) => work.do(() => classifier.classify(images, n)) },
    decode: host.decodeImage,
    lowContrast,
    ...(detector === undefined
      ? {}
      : {
          detector: {
            ...detector,
            detect: (picture, detect) => work.do(() => detector.detect(picture, detect)),
            follow: (picture, faces, minScore) => work.do(() => detector.follow(picture, faces, minScore)),
          },
        }),
  });
}

async function serve(port: MessagePort, data: ThreadData): Promise<void> {
  sharePictureMemory(data.memory);
  noteChannel.subscribe((sentence) => send(port, { type: 'note', sentence: String(sentence) }));
  try {
    const recognizer = await load(data);
    const answers = new Answers(port, recognizer);
    port.on('message', (request: Request) => void answers.to(request));
    const { labels, preprocessing, description } = recognizer.classifier;
    const { lowContrast, detector } = recognizer;
    const loaded: Loaded = { labels, preprocessing, description, lowContrast, detects: detector !== undefined };
    send(port, { type: 'loaded', loaded });
  } catch (error) {
    send(port, { type: 'error', id: null, error: sentError(error), ofSource: false });
    port.close();
  }
}

if (parentPort !== null) void serve(parentPort, workerData);
