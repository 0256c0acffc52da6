import { type Setting, UserError } from './errors.js';
import { itemAt } from './item-at.js';
import { inOneForm, type LabelSet } from './labels.js';
import { printable } from './printable.js';

/** Index orders of the published datasets, as their class folders sort. */
export const rafdb: LabelSet = {
  name: 'RAF-DB',
  labels: ['Surprise', 'Fear', 'Disgust', 'Happiness', 'Sadness', 'Anger', 'Neutral'],
};
export const affectnet7: LabelSet = {
  name: 'AffectNet-7',
  labels: ['Neutral', 'Happy', 'Sad', 'Surprise', 'Fear', 'Disgust', 'Anger'],
};
export const affectnet8: LabelSet = { name: 'AffectNet-8', labels: [...affectnet7.labels, 'Contempt'] };
export const caers: LabelSet = {
  name: 'CAER-S',
  labels: ['Anger', 'Disgust', 'Fear', 'Happy', 'Neutral', 'Sad', 'Surprise'],
};
export const ferplus: LabelSet = {
  name: 'FER+',
  labels: ['neutral', 'happiness', 'surprise', 'sadness', 'anger', 'disgust', 'fear', 'contempt'],
};
/** The seven labels that FER2013 came with; FER+ labelled its pictures again. */
export const fer2013: LabelSet = {
  name: 'FER2013',
  labels: ['Angry', 'Disgust', 'Fear', 'Happy', 'Sad', 'Surprise', 'Neutral'],
};
export const knownLabelSets: readonly LabelSet[] = [rafdb, affectnet7, affectnet8, caers, ferplus, fer2013];

/** What the first class folder is called where a published dataset's folders are numbers: RAF-DB's are 1..7, AffectNet's 0..6. */
const firstFolders: ReadonlyMap<string, number> = new Map([
  [rafdb.name, 1],
  [affectnet7.name, 0],
  [affectnet8.name, 0],
  [fer2013.name, 0],
]);

/**
 * Why numbered class folders cannot be those of a published label set, as part of a sentence; undefined where they can, or
 * where nothing is known of the set's numbers.
 * @param folders of {@link isNumbered}
 */
export function numberedOtherwise(folders: readonly string[], labels: LabelSet): string | undefined {
  const first = firstFolders.get(labels.name);
  if (first === undefined) return undefined;
  const numbers = folders.map(Number).sort((a, b) => a - b);
  if (numbers.every((number, i) => number === first + i)) return undefined;
  return `its class folders are ${list(folders)}, and ${labels.name} counts ${first}..${first + labels.labels.length - 1}`;
}

/** A name without what people leave out when they type it: case and punctuation (`raf-db`, `RAFDB`). */
export const typedName = (name: string): string =>
  name
    .toLowerCase()
    .replace(/\+/g, 'plus')
    .replace(/[^a-z0-9]/g, '');

/** The published label set of that name, as `typedName` compares them. @throws UserError where there is none */
export function labelSetNamed(name: string): LabelSet {
  // Programs without types may pass anything.
  const wanted = typedName(String(name));
  const found = knownLabelSets.find((set) => typedName(set.name) === wanted);
  if (found !== undefined) return found;
  throw new UserError(
    `There is no label set called '${printable(String(name))}'; known are ${knownLabelSets.map((set) => set.name).join(', ')}.`,
  );
}

const synonyms: Readonly<Record<string, readonly string[]>> = {
  neutral: ['neutral', 'neutrality'],
  happiness: ['happiness', 'happy'],
  sadness: ['sadness', 'sad'],
  surprise: ['surprise', 'surprised'],
  fear: ['fear', 'fearful'],
  disgust: ['disgust', 'disgusted'],
  anger: ['anger', 'angry'],
  contempt: ['contempt', 'contemptuous'],
};
const canonical: ReadonlyMap<string, string> = new Map(
  Object.entries(synonyms).flatMap(([name, all]) => all.map((one) => [one, name] as const)),
);

/**
 * One spelling for every name of an expression: lower case, no leading number (`0-Happy`, `3. happy`), synonyms merged, one
 * Unicode form. Names that are no expression known here keep their own spelling, in lower case.
 */
export function canonicalLabel(label: string): string {
  const plain = inOneForm(label)
    .trim()
    .toLowerCase()
    .replace(/^\d+[\s._-]+(?=\S)/, '');
  return canonical.get(plain) ?? plain;
}

/** Whether a name is that of an expression that the published label sets know. */
export const isExpression = (label: string): boolean => canonical.has(canonicalLabel(label));

/** Names that say nothing about the expression: `1`..`7`. */
export function isNumbered(labels: readonly string[]): boolean {
  return labels.length > 0 && labels.every((label) => /^\d+$/.test(label.trim()));
}

export interface LabelComparison {
  /** 'reordered': the same expressions at other indices. 'different': some are on one side only, or cannot be known. */
  readonly kind: 'same' | 'reordered' | 'different';
  /** `mapping[i]`: index in the weights' labels of the data's label i, -1 where the weights do not have it. */
  readonly mapping: readonly number[];
  /** One sentence for the user: what is mixed up and what to do; says so, too, when nothing is. */
  readonly explanation: string;
  /** What the sentence advises about. */
  readonly settings: readonly Setting[];
}

/**
 * Whether index i means the same expression for the weights as for the data.
 * @param remedy what the explanation advises where expressions differ
 * @param settings what that advice is about
 */
export function compareLabels(
  weights: LabelSet,
  data: LabelSet,
  remedy = "use weights or data with the other's labels",
  settings: readonly Setting[] = [],
): LabelComparison {
  const names = weights.labels.map(canonicalLabel);
  const others = data.labels.map(canonicalLabel);
  const mapping = others.map((name) => names.indexOf(name));
  const count = names.length;
  if (count === others.length && mapping.every((to, from) => to === from)) {
    return {
      kind: 'same',
      mapping,
      explanation: `Weights and data have the same ${count} labels in the same order.`,
      settings: [],
    };
  }
  const between = `The weights' labels (${weights.name}) and the data's (${data.name})`;
  if (isNumbered(data.labels) && !isNumbered(weights.labels)) {
    return {
      kind: 'different',
      mapping: others.map(() => -1),
      explanation:
        `The data's class folders (${data.name}) are numbers, ${list(data.labels)}, which do not say which expression ` +
        `each is; name the label set they follow, one of ${knownLabelSets.map((set) => set.name).join(', ')}.`,
      settings: ['folderLabels'],
    };
  }
  if (count === others.length && new Set(mapping).size === count && !mapping.includes(-1)) {
    const examples = mapping.flatMap((to, from) => (to === from ? [] : [`${from} (${data.labels[from]} is ${to})`]));
    return {
      kind: 'reordered',
      mapping,
      explanation:
        `${between} are the same ${count} expressions in another order: index ${list(examples, 3)} in the weights; ` +
        'compared by index the result would be meaningless, so map the data to the order of the weights.',
      settings: [],
    };
  }
  const missing = data.labels.filter((_, i) => mapping[i] === -1);
  const extra = weights.labels.filter((_, i) => !others.includes(itemAt(names, i)));
  const counts = count === others.length ? '' : `, ${count} and ${others.length} of them`;
  const parts = [
    missing.length > 0 ? `the weights do not know ${list(missing)}` : '',
    extra.length > 0 ? `the data lacks ${list(extra)}` : '',
    missing.length + extra.length === 0 ? 'a label appears twice' : '',
  ].filter((part) => part !== '');
  return {
    kind: 'different',
    mapping,
    explanation: `${between} differ${counts}: ${parts.join(' and ')}; ${remedy}.`,
    settings,
  };
}

function list(items: readonly string[], most = 8): string {
  return items.length <= most ? items.join(', ') : `${items.slice(0, most).join(', ')} and ${items.length - most} more`;
}
