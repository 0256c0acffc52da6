import { countText } from '../../common/count-text.js';
import { defined } from '../../common/defined.js';
import type { LowContrast } from '../../image/index.js';
import type { View } from '../../recognize/index.js';
import type { Preference, ProtocolRecord, TrainingRecord } from '../../safetensors/index.js';
import { type FoldChoice, isSameSplit } from '../datasets/index.js';
import type { LabelMapping } from './label-mapping.js';

/** How a measurement was made: everything that another person needs to make it again, or to doubt it. */
export interface Protocol {
  /** Name of the dataset. */
  readonly dataset: string;
  readonly split: string;
  /** The part of the split that was measured; null: all of it. */
  readonly fold: FoldChoice | null;
  readonly pictures: {
    readonly measured: number;
    /** Left out because they could not be read. */
    readonly unreadable: number;
    /** Left out because no label has a majority of their votes. */
    readonly withoutMajority: number;
    /** Left out because the weights do not know their expression. */
    readonly unknown: number;
    /** Left out because their expression takes no part. */
    readonly without: number;
    /** Left out because the training split has them too. */
    readonly seen: number;
  };
  /**
   * Pictures measured that are in the training split of the same folder (with a fold: in the other folds) too, byte for
   * byte; null where there are none. The training split is the one that the weights say, else `train`.
   */
  readonly shared: { readonly split: string; readonly pictures: number } | null;
  /** Views of a picture whose softmax outputs are averaged: `picture`, `mirror image`, `top left crop`. */
  readonly views: readonly string[];
  /** Side of the crops among them, as a fraction of the picture's; null where there are none. */
  readonly cropScale: number | null;
  /** Pictures measured whose contrast is low, and what became of them; null of tensors, whose contrast is not known. */
  readonly lowContrast: { readonly pictures: number; readonly treatment: LowContrast } | null;
  /**
   * What of the pictures that were run together each one's logits depend on; left out where they are each picture's own.
   * So many pictures were run together, in the order of the dataset, the last ones fewer.
   */
  readonly batch?: { readonly dependsOn: string; readonly pictures: number };
  readonly labels: {
    readonly weights: readonly string[];
    readonly data: readonly string[];
    readonly relation: LabelMapping['relation'];
    /** What became of the data's labels that the weights do not know; `pictures` is how many they have. */
    readonly unknown: {
      readonly labels: readonly string[];
      readonly treatment: 'wrong' | 'leave-out';
      readonly pictures: number;
    } | null;
    /** What became of the weights' labels that the data lacks. */
    readonly absent: { readonly labels: readonly string[]; readonly treatment: 'keep' | 'remove' } | null;
    /** Expressions that take no part: their pictures are left out, and the weights cannot choose them. */
    readonly without: readonly string[];
  };
  /** How the weights came about and how their epoch was chosen, as far as they say: in words, and for programs. */
  readonly training: { readonly words: string; readonly record: ProtocolRecord | null } | null;
  /** Sentences: all that makes the figures another thing than plain top-1 on a whole, unseen split. */
  readonly deviations: readonly string[];
}

export interface ProtocolFacts {
  readonly dataset: string;
  readonly split: string;
  readonly fold: FoldChoice | undefined;
  readonly pictures: Protocol['pictures'];
  readonly shared: Protocol['shared'];
  readonly views: readonly View[];
  readonly lowContrast: Protocol['lowContrast'];
  readonly batch: Protocol['batch'];
  readonly weights: readonly string[];
  readonly data: readonly string[];
  readonly mapping: LabelMapping;
  /** Pictures of classes that the weights do not know, measured or not. */
  readonly unknownPictures: number;
  readonly training: TrainingRecord | undefined;
  readonly prefer: Preference;
}

/** The protocol of a measurement, with its deviations in words. */
export function protocolOf(facts: ProtocolFacts): Protocol {
  const { dataset, split, fold, pictures, shared, views, weights, data, mapping, unknownPictures, training } = facts;
  const { lowContrast, batch } = facts;
  const { unknown, absent, without, options } = mapping;
  const labels: Protocol['labels'] = {
    weights,
    data,
    relation: mapping.relation,
    unknown: unknown.length === 0 ? null : { labels: unknown, treatment: options.unknown, pictures: unknownPictures },
    absent: absent.length === 0 ? null : { labels: absent, treatment: options.absent },
    without,
  };
  return {
    dataset,
    split,
    fold: fold ?? null,
    pictures,
    shared,
    views: views.map(({ name }) => name),
    cropScale: cropScaleOf(views),
    lowContrast,
    ...defined({ batch }),
    labels,
    training: training === undefined ? null : { words: training.dataset, record: training.protocol ?? null },
    deviations: [
      ...(facts.prefer === 'rare' ? ['The head that prefers rare classes decided, at the cost of accuracy.'] : []),
      ...ofViews(views),
      ...ofContrast(lowContrast),
      ...ofBatch(batch),
      ...ofLabels(labels),
      ...ofWithout(labels, pictures),
      ...ofPictures(pictures),
      ...ofShared(shared, fold),
      ...ofTraining(facts),
    ],
  };
}

/** All crops are of one size. */
function cropScaleOf(views: readonly View[]): number | null {
  const side = Math.min(...views.map((view) => view.side));
  return side < 1 ? side : null;
}

function ofViews(views: readonly View[]): string[] {
  const side = cropScaleOf(views);
  const flips = views.some(({ mirrored }) => mirrored);
  if (side === null) {
    return flips ? ['Each prediction is the mean of the probabilities of the picture and its mirror image.'] : [];
  }
  const crops = views.filter(({ mirrored }) => !mirrored).length;
  const which = crops === 1 ? 'the crop in its middle' : `${crops} crops`;
  return [
    `Of each picture ${which} of ${side} of its side${flips ? ' and mirrored' : ''} counted${views.length > 1 ? ', by the mean of their probabilities' : ''}.`,
  ];
}

function ofContrast(lowContrast: Protocol['lowContrast']): string[] {
  if (lowContrast === null || lowContrast.treatment === 'keep' || lowContrast.pictures === 0) return [];
  return [`${plural(lowContrast.pictures, 'low-contrast picture')} stretched before the network saw them.`];
}

function ofBatch(batch: Protocol['batch']): string[] {
  if (batch === undefined) return [];
  const { dependsOn, pictures } = batch;
  return [
    `As published, a picture's logits depend on ${dependsOn}: ${pictures} pictures in the order of the dataset, the last fewer.`,
  ];
}

function ofLabels({ unknown, absent }: Protocol['labels']): string[] {
  const sentences: string[] = [];
  if (unknown !== null) {
    const which = `The weights do not know ${unknown.labels.join(', ')}`;
    const how = plural(unknown.pictures, 'picture');
    sentences.push(
      unknown.treatment === 'wrong'
        ? `${which}: ${how} counted as mistakes, which leaves the cross-entropy undefined.`
        : `${which}: ${how} left out.`,
    );
  }
  if (absent !== null) {
    const which = `The data has no ${absent.labels.join(', ')}`;
    sentences.push(
      absent.treatment === 'keep'
        ? `${which}: choosing it counted as a mistake.`
        : `${which}: removed from the ranking, so that the best of the others was chosen and probabilities are theirs.`,
    );
  }
  return sentences;
}

function ofWithout({ without }: Protocol['labels'], { without: count }: Protocol['pictures']): string[] {
  if (without.length === 0) return [];
  return [
    `Measured without ${without.join(', ')}: ${plural(count, 'picture')} left out, and the best of the other expressions was chosen.`,
  ];
}

function ofPictures({ unreadable, withoutMajority, seen }: Protocol['pictures']): string[] {
  return [
    ...(unreadable > 0 ? [`Left out: ${countText(unreadable, 'picture')} that could not be read.`] : []),
    ...(withoutMajority > 0
      ? [`Left out: ${countText(withoutMajority, 'picture')} without a majority among the votes.`]
      : []),
    ...(seen > 0 ? [`${plural(seen, 'picture')} left out because the training split has the same.`] : []),
  ];
}

function ofShared(shared: Protocol['shared'], fold: FoldChoice | undefined): string[] {
  if (shared === null) return [];
  const where = fold === undefined ? `split '${shared.split}' of this dataset` : 'the other folds';
  return [
    `${plural(shared.pictures, 'measured picture')} found in ${where} too, byte for byte: weights trained there have ` +
      'seen them.',
  ];
}

/** What makes pictures that the weights have seen, or were chosen with, part of the measurement. */
function ofTraining({ dataset, split, fold, training }: ProtocolFacts): string[] {
  const record = training?.protocol;
  if (record === undefined || record.dataset !== dataset) return [];
  const { trainSplit, selectionSplit } = record;
  const sentences: string[] = [];
  if (isSameSplit(split, trainSplit) && !(fold !== undefined && sameFold(fold, record.fold))) {
    sentences.push(
      `The weights were trained on split '${trainSplit}' of a dataset of this name${
        record.fold === undefined ? '' : ` without fold ${record.fold.index} of ${record.fold.count}`
      }: pictures measured here are among those.`,
    );
  }
  if (selectionSplit !== null && isSameSplit(split, selectionSplit)) {
    sentences.push('The best epoch was chosen on this very split, so the figures flatter.');
  }
  return sentences;
}

const sameFold = (a: FoldChoice, b: FoldChoice | undefined): boolean =>
  b !== undefined && a.index === b.index && a.count === b.count && a.seed === b.seed;

const plural = (count: number, noun: string): string =>
  `${count.toLocaleString('en-US')} ${noun}${count === 1 ? ' was' : 's were'}`;
