import {
  type AttentionMap,
  bundledCheckpoint,
  type Explainer,
  explain,
  loadExplainer,
  type Picture,
  type Recognizer,
} from 'poster-v2';
import { settings } from '../state/settings.js';

export interface FaceExplanation {
  /** The expression that relevance is for. */
  readonly target: string;
  /** Where the decision takes its features from, over all scales. */
  readonly attention: AttentionMap;
  /** What speaks for the target. */
  readonly relevance: AttentionMap;
}

let current: { readonly of: Recognizer; readonly explainer: Promise<Explainer> } | undefined;

/** The explainer of the weights that a recognizer was loaded with; the last one is kept. */
function explainerFor(recognizer: Recognizer): Promise<Explainer> {
  if (current?.of === recognizer) return current.explainer;
  const old = current;
  const explainer = load();
  current = { of: recognizer, explainer };
  explainer.catch(() => {
    if (current?.explainer === explainer) current = undefined;
  });
  void old?.explainer.then((one) => one.dispose()).catch(() => undefined);
  return explainer;
}

async function load(): Promise<Explainer> {
  const { model } = settings.value;
  return loadExplainer(model ?? (await bundledCheckpoint()));
}

/**
 * What the network attends to in a crop that the recognizer gave along.
 * @param target the expression that relevance is for; default: the most probable
 */
export async function explainCrop(recognizer: Recognizer, crop: Picture, target?: string): Promise<FaceExplanation> {
  const explainer = await explainerFor(recognizer);
  // Its contrast has been looked after already.
  const explanation = await explain(explainer, crop, target, 'keep');
  const { attention, relevance } = explanation.classToken;
  return { target: explanation.target, attention: attention.all, relevance: relevance.all };
}
