/** Closed interval [from, to]. */
export type Range = readonly [from: number, to: number];

/** Random erasing as torchvision's `RandomErasing` (arXiv 1708.04896); the erased box is 0 after normalisation. */
export interface Erasing {
  readonly probability: number;
  /** Erased share of the picture's area. */
  readonly scale: Range;
  /** Height / width of the box, drawn log-uniformly. */
  readonly ratio: Range;
}

/** What is done at random to a training picture. All-zero probabilities and ranges leave it as it is. */
export interface Augmentation {
  /** Probability of a horizontal flip. */
  readonly flip: number;
  /** Largest rotation to either side, in degrees. */
  readonly rotation: number;
  /** Zoom factor about the picture's centre; [1, 1] is none. */
  readonly zoom: Range;
  /** Largest shift along each axis, as a fraction of the side. */
  readonly shift: number;
  /** Side of a square cut out anywhere and brought back to full size, as a fraction of the side; [1, 1] is none. */
  readonly cropScale: Range;
  /** Brightness factor is drawn from [1 - brightness, 1 + brightness]. */
  readonly brightness: number;
  /** Contrast factor (about the picture's mean luma) is drawn from [1 - contrast, 1 + contrast]. */
  readonly contrast: number;
  /** The exponent of all values is drawn log-uniformly from [1 / (1 + g), 1 + g]. */
  readonly gammaCorrection: number;
  /** Probability of a Gaussian blur, whose standard deviation is drawn from `blurSigma`. */
  readonly blur: number;
  /** Largest standard deviation of Gaussian noise, as a fraction of the range of values. */
  readonly noise: number;
  /** Probability of the loss of JPEG, at a quality drawn from `jpegQuality`. */
  readonly jpeg: number;
  readonly erasing: Erasing | null;
}

/** Standard deviations of blur, as fractions of the picture's side: 0.3 to 1.4 pixels of 48. */
export const blurSigma: Range = [0.006, 0.03];
/** Qualities of JPEG, whole numbers. */
export const jpegQuality: Range = [10, 70];

/** Pictures as they are: evaluation. */
export const noAugmentation: Augmentation = {
  flip: 0,
  rotation: 0,
  zoom: [1, 1],
  shift: 0,
  cropScale: [1, 1],
  brightness: 0,
  contrast: 0,
  gammaCorrection: 0,
  blur: 0,
  noise: 0,
  jpeg: 0,
  erasing: null,
};
/** Published recipe for RAF-DB: flip, erasing with p 0.5 over 2 to 10% of the area. */
export const rafdbAugmentation: Augmentation = {
  ...noAugmentation,
  flip: 0.5,
  erasing: { probability: 0.5, scale: [0.02, 0.1], ratio: [0.3, 3.3] },
};
/** Published recipe for AffectNet-7, AffectNet-8 and CAER-S: flip, always erasing 5% of the area. */
export const affectnetAugmentation: Augmentation = {
  ...noAugmentation,
  flip: 0.5,
  erasing: { probability: 1, scale: [0.05, 0.05], ratio: [0.3, 3.3] },
};
/** Default of the small network for 48x48 crops. */
export const nanoAugmentation: Augmentation = {
  ...noAugmentation,
  flip: 0.5,
  rotation: 15,
  zoom: [0.85, 1.15],
  shift: 0.1,
  brightness: 0.2,
  contrast: 0.2,
};
