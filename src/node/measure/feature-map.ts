import { UMAP } from 'umap-js';
import { UserError } from '../../common/errors.js';
import { itemAt } from '../../common/item-at.js';
import { random } from '../../common/random.js';

export interface FeatureMapOptions {
  /** Pictures mapped; of more, a stratified sample (default 5000). */
  readonly most?: number;
  /** Seed of the sample and of the map (default 0). */
  readonly seed?: number;
  /** Neighbours that a picture is kept near; more shows the large, fewer the small (default 15). */
  readonly neighbours?: number;
  /** How close points may lie, relative to how far the map spreads (default 0.1). */
  readonly minDistance?: number;
  readonly onProgress?: (done: number, total: number) => void;
}

/** Feature vectors laid out in the plane. */
export interface FeatureMap {
  /** [m], the rows of the features that were mapped, ascending. */
  readonly indices: Int32Array;
  /** [m, 2] */
  readonly points: Float32Array;
}

/** A map of fewer pictures shows nothing. */
export const fewestMapped = 4;

/**
 * Lays feature vectors out in two dimensions so that neighbours stay neighbours: UMAP (McInnes, Healy and Melville,
 * arXiv 1802.03426) by Euclidean distance. The same features, options and machine give the same map.
 *
 * @param features [n, dimension]
 * @param classes [n], by which a sample is stratified; the map itself does not see them
 * @throws UserError for fewer than 4 pictures, and for features that are no finite numbers.
 */
export async function mapFeatures(
  features: Float32Array,
  dimension: number,
  classes: Int32Array,
  options: FeatureMapOptions = {},
): Promise<FeatureMap> {
  const { most = 5000, seed = 0, neighbours = 15, minDistance = 0.1, onProgress } = options;
  const indices = stratifiedSample(classes, Math.max(fewestMapped, most), seed);
  if (indices.length < fewestMapped) {
    throw new UserError(
      `A map needs at least ${fewestMapped} pictures, and ${indices.length} can be used; give more of them.`,
    );
  }
  const vectors = Array.from(indices, (row) => Array.from(features.subarray(row * dimension, (row + 1) * dimension)));
  if (!vectors.every((vector) => vector.every(Number.isFinite))) {
    throw new UserError('Some features are no finite numbers; use weights of a training that did not diverge.');
  }
  const stream = random(seed, 'feature map');
  const umap = new UMAP({
    random: () => stream.next(),
    nNeighbors: Math.min(neighbours, indices.length - 1),
    minDist: minDistance,
  });
  const epochs = umap.initializeFit(vectors);
  for (let epoch = 0; epoch < epochs; epoch++) {
    umap.step();
    onProgress?.(epoch + 1, epochs);
  }
  return { indices, points: Float32Array.from(umap.getEmbedding().flat()) };
}

/**
 * At most `most` positions of `classes`, ascending: each class as often as in all, to the nearest picture, drawn at
 * random within it.
 */
export function stratifiedSample(classes: Int32Array, most: number, seed: number): Int32Array {
  const all = Int32Array.from(classes.keys());
  if (classes.length <= most) return all;
  // Shuffled, then sorted by class (sorting is stable): evenly spaced picks from that are such a sample.
  const order = random(seed, 'feature sample')
    .shuffle(all)
    .sort((a, b) => itemAt(classes, a) - itemAt(classes, b));
  const step = classes.length / most;
  return Int32Array.from({ length: most }, (_, i) => itemAt(order, Math.floor((i + 0.5) * step))).sort();
}
