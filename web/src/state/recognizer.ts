import type { LoadProgress, Recognizer } from 'poster-v2';
import { isOfKind, messageOf } from './errors.js';
import { notify } from './notices.js';
import { mostThreads, type Settings, settings } from './settings.js';
import { createStore } from './store.js';

/** Where the recognizer that all tabs share has got to. */
export type RecognizerState =
  | { readonly phase: 'idle' }
  /** `share` of the files that has come, in [0, 1]. */
  | { readonly phase: 'loading'; readonly share: number }
  | { readonly phase: 'ready'; readonly recognizer: Recognizer; readonly engine: EngineFacts }
  | { readonly phase: 'failed'; readonly reason: string; readonly detail: string | undefined };

/** What the recognizer was loaded with. */
export interface EngineFacts {
  readonly device: Settings['device'];
  /** That recognise. */
  readonly threads: number;
  /** Name of the network, such as `poster-v2-nano`. */
  readonly network: string;
  /** The visitor's own file; undefined: the one that comes with the package. */
  readonly model: File | undefined;
}

export const recognizerState = createStore<RecognizerState>({ phase: 'idle' });

/** It comes while the page is drawn, which does not wait for it. */
const fetchEngine = () => import('./engine.js');
const engine = fetchEngine();
// Who needs it is told.
engine.catch(() => undefined);

/** A load that was started. */
interface Load {
  /** Gives it up. */
  readonly stop: AbortController;
  readonly recognizer: Promise<Recognizer>;
}

let current: Load | undefined;

/**
 * The recognizer, loaded with the settings of the moment; all callers share one. A failure stays until `loadAgain`. Who waits for a
 * load that is given up gets the next one.
 * @throws UserError, a sentence for the visitor
 */
export async function getRecognizer(): Promise<Recognizer> {
  current ??= start();
  const { stop, recognizer } = current;
  try {
    return await recognizer;
  } catch (error) {
    if (stop.signal.aborted) return getRecognizer();
    throw error;
  }
}

/** Loads another one, with the settings of the moment; the one before is given up, or disposed of. */
export function loadAgain(): void {
  const before = current;
  current = start();
  before?.stop.abort();
  before?.recognizer.then((recognizer) => recognizer.dispose()).catch(() => undefined);
}

/** Only a load that is not given up says how far it is. */
function start(): Load {
  const stop = new AbortController();
  const { signal } = stop;
  const tell = (state: RecognizerState): void => {
    if (!signal.aborted) recognizerState.set(state);
  };
  const wanted = settings.value;
  const recognizer = load(wanted, tell, signal);
  recognizer.catch((error: unknown) => tell(failure(error, wanted)));
  return { stop, recognizer };
}

/** What the package says of its own files is for those who serve them. */
function failure(error: unknown, { model }: Settings): RecognizerState {
  const sentence = messageOf(error);
  if (model !== undefined || !isOfKind(error, 'input')) return { phase: 'failed', reason: sentence, detail: undefined };
  const reason =
    'A file of this page did not arrive, or not whole. Try again. If that does not help, whoever hosts the page can mend it.';
  return { phase: 'failed', reason, detail: sentence };
}

/** When a graphics processor was lost last, by the page's clock. */
let lostAt = Number.NEGATIVE_INFINITY;
/** In milliseconds: what is lost twice in that time is lost for good. */
const lossSpan = 60_000;

/**
 * Whether something failed since the recognizer is not the one that counts any more: the settings were changed meanwhile, or it
 * lost its graphics processor, as happens after sleep. Who asks for the recognizer next gets the other one, or hears why there is none.
 */
export const wasReplaced = async (error: unknown, recognizer: Recognizer): Promise<boolean> =>
  isLoss(error, recognizer) || (await getRecognizer().catch(() => undefined)) !== recognizer;

/** Where the graphics processor was lost, another recognizer is loaded; if that was so a moment ago, the visitor is told. */
function isLoss(error: unknown, recognizer: Recognizer): boolean {
  if (!isOfKind(error, 'device')) return false;
  const { value } = recognizerState;
  // Others have said so before.
  if (value.phase !== 'ready' || value.recognizer !== recognizer) return true;
  const isAgain = performance.now() - lostAt < lossSpan;
  lostAt = performance.now();
  if (isAgain) {
    giveUp(
      new Error(
        'The browser lost the graphics card twice within a minute. Compute on the processor, or try again later.',
      ),
    );
  } else {
    loadAgain();
    notify(
      'The browser lost the graphics card, as after sleep. The network is loaded again, and recognition continues.',
    );
  }
  return true;
}

function giveUp(error: Error): void {
  const before = current;
  const recognizer = Promise.reject<Recognizer>(error);
  current = { stop: new AbortController(), recognizer };
  recognizer.catch(() => undefined);
  recognizerState.set({ phase: 'failed', reason: error.message, detail: undefined });
  before?.recognizer.then((one) => one.dispose()).catch(() => undefined);
}

async function load(
  wanted: Settings,
  tell: (state: RecognizerState) => void,
  signal: AbortSignal,
): Promise<Recognizer> {
  tell({ phase: 'loading', share: 0 });
  const { device, model } = wanted;
  let isLoaded = false;
  const { Recognizer } = await engine.catch(fetchEngine);
  const wantedThreads = device === 'webgpu' ? 1 : (wanted.threads ?? mostThreads);
  const recognizer = await Recognizer.load({
    device,
    threads: wantedThreads,
    signal,
    ...(model === undefined ? {} : { checkpoint: model }),
    // Explaining loads the weights once more, while this recognizer is read with.
    onProgress: shareTeller((share) => {
      if (!isLoaded) tell({ phase: 'loading', share });
    }),
  });
  isLoaded = true;
  const { description, threads = wantedThreads } = recognizer.classifier;
  const network = description.model.name;
  tell({ phase: 'ready', recognizer, engine: { device, threads, network, model } });
  return recognizer;
}

/** What documents call the weights. */
export const checkpointName = (): string => settings.value.model?.name ?? 'poster-v2-nano.safetensors';

/** Bytes of the package's own files, in case the first is told of before the second is known. */
const expectedBytes = 10_280_473;

function shareTeller(tell: (share: number) => void): (progress: LoadProgress) => void {
  const files = new Map<string, number>();
  return ({ file, loaded }) => {
    files.set(file, loaded);
    const sum = [...files.values()].reduce((a, b) => a + b, 0);
    tell(Math.min(1, sum / expectedBytes));
  };
}

let loadedWith = settings.value;
settings.subscribe((now) => {
  const same = now.device === loadedWith.device && now.threads === loadedWith.threads && now.model === loadedWith.model;
  loadedWith = now;
  if (!same && recognizerState.value.phase !== 'idle') loadAgain();
});
