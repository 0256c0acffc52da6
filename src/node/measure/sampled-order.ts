import { defined } from '../../common/defined.js';
import { evenly } from '../../common/evenly.js';
import type { LabelSet } from '../../common/labels.js';
import { confusionMatrix, predictions } from '../../metrics/index.js';
import type { Classifier } from '../../recognize/classifier.js';
import { createLoader, loadDataset } from '../datasets/index.js';
import { mapLabels } from './label-mapping.js';
import { findLabelOrder, type LabelOrder } from './label-order.js';
import { scoresOf } from './scores.js';

/** Enough to tell an order from chance, seconds of work. */
const perClass = 24;

/**
 * Whether weights see classes in another order than the labels say, by a few pictures of each class.
 * @param options what numbered class folders stand for
 * @throws UserError where weights and data do not have the same expressions, or the data cannot be used.
 */
export async function sampledLabelOrder(
  classifier: Classifier,
  root: string,
  split: string,
  options: {
    readonly folderLabels?: LabelSet;
    readonly onProgress?: (done: number, total: number) => void;
  } = {},
): Promise<LabelOrder | undefined> {
  const { folderLabels, onProgress } = options;
  const own = await loadDataset(root, split, defined({ labels: folderLabels }));
  const mapping = mapLabels(classifier.labels, own.labels);
  const samples = own.labels.labels.flatMap((_, d) => {
    const label = mapping.indices[d];
    const ofClass = own.samples.filter((sample) => sample.label === d);
    return label === undefined
      ? []
      : evenly(ofClass, perClass).map(({ path, majority }) => ({ path, label, majority }));
  });
  const loader = createLoader(
    { ...own, labels: mapping.labels, samples },
    { preprocessing: classifier.preprocessing, batchSize: 24, cacheBytes: 0 },
  );
  try {
    const { measured } = await scoresOf(classifier, loader, mapping, onProgress);
    const { labels, logits } = measured;
    const confusion = confusionMatrix(labels, predictions(logits), logits.classes);
    return findLabelOrder(confusion, classifier.labels, own.labels, mapping);
  } finally {
    await loader.close();
  }
}
