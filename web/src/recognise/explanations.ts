import {
  type AttentionMap,
  type Explanation,
  explainFaces,
  heatPicture,
  type Picture,
  type Recognizer,
} from 'poster-v2';
import { nextTurn } from '../files/turns.js';
import { wasReplaced } from '../state/recognizer.js';

interface FaceExplanation {
  /** The expression that relevance is for. */
  readonly target: string;
  /** Where the decision takes its features from, over all scales; without a class token where the network looks first. */
  readonly attention: AttentionMap;
  /** Whether a class token decides. */
  readonly decides: boolean;
  /** What speaks for the target. */
  readonly relevance: AttentionMap;
}

type Explained = Promise<readonly FaceExplanation[]>;

/** By file and target, for as long as recognizer and file are there. */
const kept = new WeakMap<Recognizer, WeakMap<Blob, Map<string | undefined, Explained>>>();

/**
 * What the network attends to in each face of a picture, the surest first. A picture is explained once for each target.
 * @param target the expression that relevance is for; default: each face's most probable
 */
function explainPicture(recognizer: Recognizer, file: Blob, target?: string): Explained {
  const files = kept.get(recognizer) ?? new WeakMap<Blob, Map<string | undefined, Explained>>();
  kept.set(recognizer, files);
  const targets = files.get(file) ?? new Map<string | undefined, Explained>();
  files.set(file, targets);
  const before = targets.get(target);
  if (before !== undefined) return before;
  const explained = explain(recognizer, file, target);
  targets.set(target, explained);
  // A failure is not kept: the next try may do better.
  explained.catch((error: unknown) => {
    targets.delete(target);
    void wasReplaced(error, recognizer);
  });
  return explained;
}

async function explain(recognizer: Recognizer, file: Blob, target: string | undefined): Explained {
  const faces = await explainFaces(recognizer, file, target === undefined ? {} : { target });
  return faces.map(({ explanation }) => mapsOf(explanation));
}

function mapsOf({ target, classToken, scales }: Explanation): FaceExplanation {
  if (classToken !== undefined) {
    const { attention, relevance } = classToken;
    return { target, attention: attention.all, relevance: relevance.all, decides: true };
  }
  const [first] = scales;
  if (first === undefined) throw new Error('An explanation has no map.');
  return { target, attention: first.attention, relevance: first.relevance, decides: false };
}

/** The maps of an explanation, drawn over the face. */
export interface DrawnExplanation extends Pick<FaceExplanation, 'target' | 'decides'> {
  readonly attention: Picture;
  readonly relevance: Picture;
}

export interface WantedExplanation {
  readonly recognizer: Recognizer;
  readonly file: Blob;
  /** The face's index. */
  readonly face: number;
  /** What maps are drawn over. */
  readonly portrait: Picture;
  /** Default: what is most probable. */
  readonly target: string | undefined;
}

/** Each map is drawn in a turn of its own: some milliseconds. */
export async function drawnExplanation({
  recognizer,
  file,
  face,
  portrait,
  target: wanted,
}: WantedExplanation): Promise<DrawnExplanation> {
  const faces = await explainPicture(recognizer, file, wanted);
  const explanation = faces[face];
  if (explanation === undefined) throw new Error('The face was not found again.');
  const { target, decides } = explanation;
  await nextTurn();
  const attention = heatPicture(portrait, explanation.attention);
  await nextTurn();
  const relevance = heatPicture(portrait, explanation.relevance);
  await nextTurn();
  return { target, decides, attention, relevance };
}
