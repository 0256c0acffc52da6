/** What happens to a decoded picture before the network sees it; stored with the weights. */
export interface Preprocessing {
  /** Side of the square input, in pixels. */
  readonly imageSize: number;
  /** 3 = RGB, 1 = luma (ITU-R 601, as Pillow's `convert('L')`). */
  readonly channels: 1 | 3;
  /** Per channel, of values in [0, 1]. */
  readonly mean: readonly number[];
  readonly std: readonly number[];
}
export const imagenetMean = [0.485, 0.456, 0.406] as const;
export const imagenetStd = [0.229, 0.224, 0.225] as const;
