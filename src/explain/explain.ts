import { host } from '#host';
import { UserError } from '../common/errors.js';
import type { FileSource } from '../common/file-source.js';
import { itemAt } from '../common/item-at.js';
import { canonicalLabel } from '../common/label-sets.js';
import { printable } from '../common/printable.js';
import type { LowContrast } from '../image/contrast.js';
import type { ImageSource } from '../image/image-source.js';
import { argmax } from '../metrics/argmax.js';
import { type AttentionDirection, buildExplanation, explained as outputNames } from '../models/index.js';
import { type NetworkOptions, openNetwork } from '../recognize/network.js';
import { loadPicture } from '../recognize/pictures.js';
import { ranked, type Score } from '../recognize/scores.js';
import { tempered } from '../recognize/tempered.js';
import { hostTensor } from '../runtime/index.js';
import type { ModelDescription } from '../safetensors/index.js';
import {
  type ClassTokenAttention,
  classTokenAttention,
  type ScaleAttention,
  scaleAttention,
} from './attention-maps.js';
import { isExplainer } from './is-explainer.js';

/** What a network looked at in a picture. */
export interface Explanation {
  /** All labels, the most probable first. */
  readonly scores: readonly Score[];
  /** The label that relevance is for. */
  readonly target: string;
  /** Whose tokens ask at the scales, and over whose places their maps are. */
  readonly direction: AttentionDirection;
  /** One or more. */
  readonly scales: readonly ScaleAttention[];
  /** Undefined for a network whose decision is not made from a class token, such as POSTER V1. */
  readonly classToken: ClassTokenAttention | undefined;
}

/** A network with its weights, ready to show what it attends to. */
export interface Explainer {
  readonly description: ModelDescription;
  /**
   * @param picture [C, S, S], preprocessed (`loadPicture`)
   * @param target label that relevance is for; default: the one that the network ranks first
   * @throws UserError where the network does not know the label.
   */
  explain(picture: Float32Array, target?: string): Promise<Explanation>;
  dispose(): Promise<void>;
}

/**
 * Loads a checkpoint to show what its network attends to.
 * @throws UserError as `loadClassifier` does.
 */
export async function loadExplainer(source: FileSource, options: NetworkOptions = {}): Promise<Explainer> {
  const { description, temperature, built, run, dispose } = await host.withCheckpoint(
    source,
    (checkpoint) => openNetwork(checkpoint, options, buildExplanation),
    options,
  );
  const { labels } = description.labels;
  const { scales, direction, classToken } = built;
  const forClass = (picture: Float32Array, index: number): ReturnType<typeof run> => {
    // Without a class the weights are 0, and so is all relevance.
    const weights = Float32Array.from(labels, (_, k) => (k === index ? 1 : 0));
    const extra = hostTensor('float32', weights, [1, labels.length]);
    return run(picture, 1, new Map([[outputNames.classWeights, extra]]));
  };
  return {
    description,
    async explain(picture, target) {
      const index = target === undefined ? argmax((await forClass(picture, -1))('logits')) : classNamed(labels, target);
      const outputs = await forClass(picture, index);
      const { logits, probabilities } =
        temperature === undefined
          ? { logits: outputs('logits'), probabilities: outputs('probabilities') }
          : tempered(outputs('logits'), labels.length, temperature);
      return {
        scores: ranked(labels, logits, probabilities),
        target: itemAt(labels, index),
        direction,
        scales: scales.map((scale, i) => scaleAttention(outputs, scale, itemAt(built.sides, i))),
        classToken: classToken && classTokenAttention(outputs, classToken, scales.length),
      };
    },
    dispose,
  };
}

/**
 * Shows what the network attends to in a picture that already is a face crop.
 * @param source bytes of a picture file, where it is, or pixels
 * @param target label that relevance is for; default: the one that the network ranks first
 * @param lowContrast what becomes of a picture of low contrast (default: it is stretched)
 * @throws UserError that says what is wrong with the picture, or that there is no such label; (kind `usage`) for what is no explainer
 */
export async function explain(
  explainer: Explainer,
  source: ImageSource,
  target?: string,
  lowContrast?: LowContrast,
): Promise<Explanation> {
  if (!isExplainer(explainer)) {
    throw new UserError('explain needs an explainer; give what loadExplainer resolves to.', 'usage');
  }
  const { preprocessing } = explainer.description;
  return explainer.explain(await loadPicture(source, preprocessing, undefined, lowContrast), target);
}

/** Index of a label; synonyms count. @throws UserError where the network has no such label. */
export function classNamed(labels: readonly string[], name: string): number {
  const exact = labels.indexOf(name);
  const index = exact >= 0 ? exact : labels.map(canonicalLabel).indexOf(canonicalLabel(name));
  if (index >= 0) return index;
  throw new UserError(
    `The network does not know the class '${printable(name)}'; it knows ${labels.join(', ')}.`,
    'input',
    {
      settings: ['target'],
    },
  );
}
