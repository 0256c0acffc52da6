/** What happens to a decoded picture before the network sees it; stored with the weights. */
export interface Preprocessing {
  /** Side of the square input, in pixels. */
  readonly imageSize: number;
  /** 3 = RGB, 1 = luma (ITU-R 601, as Pillow's `convert('L')`). */
  readonly channels: 1 | 3;
  /** Per channel, of values in [0, 1]. */
  readonly mean: readonly number[];
  readonly std: readonly number[];
  /** How faces lie in the crops that the network was trained on, where that is known. */
  readonly crop?: CropTemplate;
}

/** Points of a face; right and left are the person's. */
export const keypointNames = ['rightEye', 'leftEye', 'noseTip', 'mouth', 'rightEar', 'leftEar'] as const;
export type KeypointName = (typeof keypointNames)[number];

/** Where points of a face lie in a crop. Two points are enough; what is not named is free. */
export interface CropTemplate {
  /** What crops these are, for people. */
  readonly name: string;
  /** [x, y] as fractions of the crop's side, from its top left corner. */
  readonly points: Readonly<Partial<Record<KeypointName, readonly [x: number, y: number]>>>;
}
export const imagenetMean = [0.485, 0.456, 0.406] as const;
export const imagenetStd = [0.229, 0.224, 0.225] as const;
