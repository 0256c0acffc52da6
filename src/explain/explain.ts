import { host } from '#host';
import { cropTemplateFor } from '../common/crop-templates.js';
import { UserError } from '../common/errors.js';
import type { FileSource } from '../common/file-source.js';
import { itemAt } from '../common/item-at.js';
import { canonicalLabel } from '../common/label-sets.js';
import { printable } from '../common/printable.js';
import { alignFace, type Box, type DetectOptions, type FaceDetector } from '../detect/index.js';
import { type LowContrast, withContrast } from '../image/contrast.js';
import type { ImageSource } from '../image/image-source.js';
import type { Picture } from '../image/resize.js';
import { argmax } from '../metrics/argmax.js';
import { buildExplanation, explained as outputNames } from '../models/index.js';
import { decodeSource } from '../recognize/decode-source.js';
import { cropFace, cropTensor } from '../recognize/face-crops.js';
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

/** What a network looked at in a picture. */
export interface Explanation {
  /** All labels, the most probable first. */
  readonly scores: readonly Score[];
  /** The label that relevance is for. */
  readonly target: string;
  readonly scales: readonly ScaleAttention[];
  readonly classToken: ClassTokenAttention;
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
        scales: built.scales.map((scale, i) => scaleAttention(outputs, scale, itemAt(built.sides, i))),
        classToken: classTokenAttention(outputs, built),
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
 * @throws UserError that says what is wrong with the picture, or that there is no such label.
 */
export async function explain(
  explainer: Explainer,
  source: ImageSource,
  target?: string,
  lowContrast?: LowContrast,
): Promise<Explanation> {
  const { preprocessing } = explainer.description;
  return explainer.explain(await loadPicture(source, preprocessing, undefined, lowContrast), target);
}

/** A face of a picture, and what the network attends to in it. */
export interface ExplainedFace {
  /** Pixels of the upright picture, brow to chin. */
  readonly box: Box;
  /** The crop that the network saw, larger and in the picture's colours: what maps are drawn over. RGB or gray. */
  readonly shown: Picture;
  /** Whether the crop's contrast is low, so that the face is read less surely. */
  readonly lowContrast: boolean;
  readonly explanation: Explanation;
}

/** Side of `shown`, in pixels. */
const shownSide = 224;

/**
 * Finds the faces of a picture and shows what the network attends to in each, as `Recognizer` would crop them.
 * @param source bytes of a picture file, where it is, or pixels
 * @param target label that relevance is for; default: for each face the one that the network ranks first
 * @param lowContrast what becomes of face crops of low contrast (default: they are stretched)
 * @returns the surest face first; none is an empty list
 * @throws UserError that says what is wrong with the picture, or that there is no such label.
 */
export async function explainFaces(
  explainer: Explainer,
  detector: FaceDetector,
  source: ImageSource,
  options: { readonly target?: string; readonly detect?: DetectOptions; readonly lowContrast?: LowContrast } = {},
): Promise<ExplainedFace[]> {
  const { target, detect, lowContrast: treatment = 'stretch' } = options;
  const { preprocessing } = explainer.description;
  const { picture } = await decodeSource(source, { transparency: 'white', name: 'The picture' });
  const explained: ExplainedFace[] = [];
  for (const { box, keypoints } of await detector.detect(picture, detect)) {
    const crop = cropFace(picture, keypoints, preprocessing, treatment);
    const shown = withContrast(alignFace(picture, keypoints, cropTemplateFor(preprocessing), shownSide), treatment);
    const explanation = await explainer.explain(cropTensor([crop], preprocessing), target);
    explained.push({ box, shown, lowContrast: crop.lowContrast, explanation });
  }
  return explained;
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
