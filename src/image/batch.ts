/** Pictures ready for a network, and what they show. */
export interface Batch {
  /** How many pictures: n below. */
  readonly size: number;
  /** [n, C, S, S], normalised. */
  readonly images: Float32Array;
  /** [n], indices of classes. */
  readonly labels: ArrayLike<number>;
  /** [n, K], what training compares with: shares of the classes that add up to 1. Default: 1 for the label. */
  readonly targets?: Float32Array;
  /** Which batch of the epoch, from 0, so that a stopped epoch can go on behind it. Default: counted. */
  readonly index?: number;
  /**
   * A name for each picture, the same one only for the same pixels: what frozen parts of a network see in it is computed once and kept.
   * Default: it is computed each time.
   */
  readonly keys?: readonly string[];
}
