/** Settings of a training run; what is not named stays as it was.. */
export type Recipe = {
  readonly epochs?: number;
  readonly batchSize?: number;
  readonly microBatch?: number;
  readonly optimizer?: 'adam' | 'adamw' | 'sgd';
  readonly lr?: number;
  readonly momentum?: number;
  readonly weightDecay?: number;
  readonly decay?: 'matrices' | 'all';
  readonly schedule?: 'exponential' | 'cosine' | 'one-cycle' | 'constant';
  readonly gamma?: number;
  readonly warmUp?: number;
  readonly rho?: number;
  readonly ema?: number;
  readonly clip?: number;
  readonly sampling?: 'shuffled' | 'balanced';
  readonly targets?: 'labels' | 'distribution';
  readonly augmentation?: 'none' | 'rafdb' | 'affectnet' | 'nano';
  readonly flip?: number;
  readonly erasing?: number;
  readonly erasingScale?: [number, number];
  readonly erasingRatio?: [number, number];
  readonly rotation?: number;
  readonly zoom?: [number, number];
  readonly shift?: number;
  readonly cropScale?: [number, number];
  readonly brightness?: number;
  readonly contrast?: number;
  readonly gammaCorrection?: number;
  readonly blur?: number;
  readonly noise?: number;
  readonly jpeg?: number;
  readonly mixup?: number;
  readonly cutmix?: number;
  readonly labelSmoothing?: number;
  readonly trainSplit?: string;
  /** Split that chooses the best epoch; null: a part of the training split. */
  readonly valSplit?: string | null;
  readonly holdOut?: number;
};

/** A recipe for a network: with all that has no value of its own for any network. */
export type NetworkRecipe = Recipe &
  Required<
    Pick<
      Recipe,
      'epochs' | 'batchSize' | 'microBatch' | 'optimizer' | 'lr' | 'weightDecay' | 'schedule' | 'rho' | 'augmentation'
    >
  >;
