import { cropTemplateFor } from '../common/crop-templates.js';
import { defined } from '../common/defined.js';
import { UserError } from '../common/errors.js';
import { alignFace, type Box, type DetectOptions, type FaceDetector } from '../detect/index.js';
import { type FaceCrop, type LowContrast, withContrast } from '../image/contrast.js';
import type { ImageSource } from '../image/image-source.js';
import { type Picture, resizeBilinear } from '../image/resize.js';
import { checkRecognizer } from '../recognize/check-recognizer.js';
import { decodeSource } from '../recognize/decode-source.js';
import { cropFace, cropTensor, cropWhole } from '../recognize/face-crops.js';
import { LocalEngine } from '../recognize/recognition-engine.js';
import type { Recognizer } from '../recognize/recognizer.js';
import type { Explainer, Explanation } from './explain.js';
import { isExplainer } from './is-explainer.js';

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

/** Of a recognizer's faces. */
export interface ExplainFacesOptions {
  /** Label that relevance is for; default: for each face the one that the network ranks first. */
  readonly target?: string;
  /** Over those the recognizer was loaded with. */
  readonly detect?: Omit<DetectOptions, 'signal'>;
  /** Stops between two steps, by throwing the signal's reason. */
  readonly signal?: AbortSignal;
}

/** A recognizer's engine that explains by itself, since its networks are in another thread. */
export interface ExplainEngine {
  explainFaces(source: ImageSource, options: ExplainFacesOptions): Promise<ExplainedFace[]>;
}

/** Side of `shown`, in pixels. */
const shownSide = 224;

/**
 * Finds the faces of a picture and shows what the network of a recognizer attends to in each, where that network is: in its
 * worker, if it has one. The first call loads the network once more, with the backward pass that relevance needs.
 * @param source bytes of a picture file, where it is, or pixels
 * @returns the surest face first; none is an empty list; the whole picture where pictures are face crops
 * @throws UserError that says what is wrong with the picture, or that there is no such label; (kind `usage`) for what is no recognizer,
 * and for one that was made of parts, whose weights nobody knows
 */
export async function explainFaces(
  recognizer: Recognizer,
  source: ImageSource,
  options?: ExplainFacesOptions,
): Promise<ExplainedFace[]>;
/**
 * The same with parts that were loaded by themselves.
 * @param target label that relevance is for; default: for each face the one that the network ranks first
 * @param lowContrast what becomes of face crops of low contrast (default: they are stretched)
 */
export async function explainFaces(
  explainer: Explainer,
  detector: FaceDetector,
  source: ImageSource,
  options?: { readonly target?: string; readonly detect?: DetectOptions; readonly lowContrast?: LowContrast },
): Promise<ExplainedFace[]>;
export async function explainFaces(...given: OfRecognizer | OfParts): Promise<ExplainedFace[]> {
  if (isOfParts(given)) {
    const [explainer, detector, source, options = {}] = given;
    checkDetector(detector);
    const { detect, target, lowContrast = 'stretch' } = options;
    return explained({ explainer, detector, lowContrast }, source, { detect, target });
  }
  const [recognizer, source, options = {}] = given;
  checkRecognizer(recognizer, 'explainFaces');
  const { engine } = recognizer;
  const complete = { ...options, detect: { ...recognizer.detect, ...options.detect } };
  if (isExplainEngine(engine)) return engine.explainFaces(source, complete);
  if (engine instanceof LocalEngine) return explainHere(engine, source, complete);
  throw ofParts();
}

type OfRecognizer = readonly [recognizer: Recognizer, source: ImageSource, options?: ExplainFacesOptions | undefined];
type OfParts = readonly [
  explainer: Explainer,
  detector: FaceDetector,
  source: ImageSource,
  options?:
    | { readonly target?: string; readonly detect?: DetectOptions; readonly lowContrast?: LowContrast }
    | undefined,
];

const isOfParts = (given: OfRecognizer | OfParts): given is OfParts => isExplainer(given[0]);

/** Programs without types may pass anything. @throws UserError (kind `usage`) */
function checkDetector(detector: unknown): void {
  if (typeof detector === 'object' && detector !== null && 'detect' in detector) return;
  throw new UserError(
    'explainFaces with an explainer needs a face detector next (loadFaceDetector); pass one.',
    'usage',
  );
}

const isExplainEngine = (engine: object): engine is ExplainEngine => 'explainFaces' in engine;

const ofParts = (): UserError =>
  new UserError(
    'This recognizer was made of parts, not loaded from weights; load an explainer of its weights (loadExplainer), and pass that.',
    'usage',
  );

/** Of engines that have explained before. */
const explainers = new WeakMap<LocalEngine, Promise<Explainer>>();

/** Loaded at first need, and disposed of with the engine. */
function explainerOf(engine: LocalEngine): Promise<Explainer> {
  const before = explainers.get(engine);
  if (before !== undefined) return before;
  const { weights } = engine;
  if (weights === undefined) throw ofParts();
  // Of no use to a page whose recognizer has a worker.
  const loading = Promise.all([weights.source(), import('./explain.js')]).then(([source, { loadExplainer }]) =>
    loadExplainer(source, weights.options),
  );
  explainers.set(engine, loading);
  loading.then(
    (explainer) => engine.onDispose(() => explainer.dispose()),
    // A failure is not kept: a file may come back.
    () => explainers.delete(engine),
  );
  return loading;
}

async function explainHere(
  engine: LocalEngine,
  source: ImageSource,
  { signal, detect, target }: ExplainFacesOptions,
): Promise<ExplainedFace[]> {
  signal?.throwIfAborted();
  const { detector, lowContrast } = engine;
  return engine.run(async () => {
    const explainer = await explainerOf(engine);
    return explained({ explainer, detector, lowContrast }, source, {
      target,
      detect: { ...detect, ...defined({ signal }) },
    });
  });
}

interface Parts {
  readonly explainer: Explainer;
  /** Undefined where pictures are face crops. */
  readonly detector: FaceDetector | undefined;
  readonly lowContrast: LowContrast;
}

async function explained(
  { explainer, detector, lowContrast }: Parts,
  source: ImageSource,
  { target, detect }: { readonly target: string | undefined; readonly detect: DetectOptions | undefined },
): Promise<ExplainedFace[]> {
  const { preprocessing } = explainer.description;
  const transparency = detector === undefined ? 'drop' : 'white';
  const { picture } = await decodeSource(source, {
    transparency,
    name: 'The picture',
    ...defined({ signal: detect?.signal }),
  });
  const one = async (box: Box, crop: FaceCrop, large: Picture): Promise<ExplainedFace> => {
    detect?.signal?.throwIfAborted();
    const explanation = await explainer.explain(cropTensor([crop], preprocessing), target);
    return { box, shown: withContrast(large, lowContrast), lowContrast: crop.lowContrast, explanation };
  };
  if (detector === undefined) {
    const { width, height } = picture;
    const large = resizeBilinear(picture, shownSide, shownSide);
    return [await one({ x: 0, y: 0, width, height }, cropWhole(picture, preprocessing, lowContrast), large)];
  }
  const faces: ExplainedFace[] = [];
  for (const { box, keypoints } of await detector.detect(picture, detect)) {
    const crop = cropFace(picture, keypoints, preprocessing, lowContrast);
    faces.push(await one(box, crop, alignFace(picture, keypoints, cropTemplateFor(preprocessing), shownSide)));
  }
  return faces;
}
