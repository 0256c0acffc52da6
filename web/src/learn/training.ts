import { type LearnEpoch, type Learned, Learner, type ShotClass, safetensorsFile } from 'poster-v2/train';
import { Recognizer } from '../state/engine.js';
import { messageOf } from '../state/errors.js';
import { announce, notify } from '../state/notices.js';
import { mostThreads, settings } from '../state/settings.js';
import { createStore } from '../state/store.js';
import { percentText } from '../ui/index.js';
import { openShots } from './shots-state.js';

/** What was learned, ready to be tried and exported. */
export interface Result {
  readonly learned: Learned;
  readonly labels: readonly string[];
  /** Share of the pictures held out that are right, in [0, 1]. */
  readonly accuracy: number;
  readonly counts: Learner['counts'];
  /** The weights as a safetensors file. */
  readonly file: File;
  /** Whether the visitor ended it before its last epoch. */
  readonly stopped: boolean;
}

export type Training =
  | { readonly phase: 'idle' }
  | { readonly phase: 'preparing' }
  | { readonly phase: 'training'; readonly history: readonly LearnEpoch[]; readonly stopping: boolean }
  | { readonly phase: 'failed'; readonly reason: string }
  | { readonly phase: 'trained'; readonly result: Result };

export const training = createStore<Training>({ phase: 'idle' });

/** Whether expressions that the network knows stay possible answers. */
export const keepsOthers = createStore(false);

/** Why the classes cannot be learned yet, in a sentence; undefined where they can. */
export function missingFor(classes: readonly ShotClass[]): string | undefined {
  const [first, second] = classes;
  if (first === undefined) return 'Add two classes and record some pictures of each, then train.';
  if (second === undefined)
    return `‘${first.name}’ is alone, and a network learns to tell classes apart. Add another, such as a neutral face.`;
  const few = classes.find(({ shots }) => shots.length < 2);
  if (few === undefined) return undefined;
  return few.shots.length === 0
    ? `‘${few.name}’ has no pictures. Record some, or delete the class.`
    : `‘${few.name}’ has one picture. Record one more at least: one is kept to measure with.`;
}

/** Ends the training that may say what it learned: none of those before {@link forget}. */
let current: AbortController | undefined;

/** Learns the classes that were recorded. What was learned before stays until something better is there. */
export async function train(): Promise<void> {
  const before = training.value;
  if (before.phase === 'preparing' || before.phase === 'training') return;
  const own = new AbortController();
  current = own;
  const tell = (value: Training): void => {
    if (own === current) training.set(value);
  };
  tell({ phase: 'preparing' });
  let learner: Learner | undefined;
  try {
    const shots = await openShots();
    const { model, threads = mostThreads } = settings.value;
    learner = await Learner.create({
      crops: shots.crops(),
      threads,
      keep: keepsOthers.value,
      name: 'learned in the browser',
      ...(model === undefined ? {} : { base: model }),
    });
    const stopped = await trained(learner, own.signal, tell);
    if (own !== current) return;
    if (stopped && learner.best().history.length < 2) tell(before);
    else tell({ phase: 'trained', result: await resultOf(learner, stopped) });
  } catch (error) {
    if (own !== current) return;
    const reason = messageOf(error);
    if (own.signal.aborted) tell(before);
    else if (before.phase === 'trained') {
      notify(`Nothing new was learned, and what was learned before is still here. ${reason}`, { kind: 'error' });
      tell(before);
    } else tell({ phase: 'failed', reason });
  } finally {
    await learner?.dispose();
  }
}

/** @returns whether the visitor ended it */
async function trained(learner: Learner, signal: AbortSignal, tell: (value: Training) => void): Promise<boolean> {
  try {
    for await (const epoch of learner.train({ signal })) {
      const history = training.value.phase === 'training' ? training.value.history : [];
      tell({ phase: 'training', history: [...history, epoch], stopping: signal.aborted });
    }
    return false;
  } catch (error) {
    if (!signal.aborted) throw error;
    return true;
  }
}

async function resultOf(learner: Learner, stopped: boolean): Promise<Result> {
  const learned = learner.best();
  const { accuracy } = learned.evaluation;
  if (accuracy === null) throw new Error('there is no picture to measure with.');
  const file = new File([await safetensorsFile(learned.checkpoint)], 'learned.safetensors');
  announce(
    `${stopped ? 'Training was stopped' : 'Training is done'}: ${percentText(accuracy)} of the pictures kept to measure with are right.`,
  );
  return {
    learned,
    labels: learner.labels.labels,
    accuracy,
    counts: learner.counts,
    file,
    stopped,
  };
}

/** Ends training; the best until then is kept. */
export function stopTraining(): void {
  current?.abort();
  const { value } = training;
  if (value.phase === 'training') training.set({ ...value, stopping: true });
  else if (value.phase === 'preparing') notify('Training ends as soon as it has begun.');
}

let loaded: { readonly of: File; readonly recognizer: Promise<Recognizer> } | undefined;

/** A recognizer with what was learned, for trying it. */
export function learnedRecognizer({ file }: Result): Promise<Recognizer> {
  if (loaded?.of === file) return loaded.recognizer;
  forgetRecognizer();
  const recognizer = Recognizer.load({ checkpoint: file, threads: settings.value.threads ?? mostThreads });
  loaded = { of: file, recognizer };
  recognizer.catch(() => {
    if (loaded?.recognizer === recognizer) loaded = undefined;
  });
  return recognizer;
}

/** Forgets what was learned; training that is under way ends for nothing. */
export function forget(): void {
  current?.abort();
  current = undefined;
  training.set({ phase: 'idle' });
  forgetRecognizer();
}

function forgetRecognizer(): void {
  void loaded?.recognizer.then((recognizer) => recognizer.dispose()).catch(() => undefined);
  loaded = undefined;
}
