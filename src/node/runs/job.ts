import type { Setting } from '../../common/errors.js';
import type { Evaluation } from '../../metrics/index.js';
import type { TrainDevice } from '../../train/create-engine.js';
import type { HistoryEvent } from './history.js';
import type { InitReport, InitSource } from './init.js';
import type { RunOptions } from './options.js';
import type { SharedSet } from './shared.js';

export interface TrainJob {
  /** With `resume`, what the checkpoint holds counts; only `epochs`, the folder of the data and the files of the teachers may differ. */
  readonly run: RunOptions;
  /**
   * Folder for `last.safetensors`, `best.safetensors`, `metrics.jsonl` and `run.json`. It is made where there is none, and
   * locked while the run goes on.
   */
  readonly out: string;
  readonly device: TrainDevice;
  /** Weights to begin with, taken by name and shape; of files that hold the same, the last counts. */
  readonly init?: readonly InitSource[];
  /** A `last.safetensors` to go on from. */
  readonly resume?: string;
  readonly workers?: number;
  readonly threads?: number;
  readonly strict: boolean;
  /** Seconds between saves within an epoch; every epoch ends with one. */
  readonly saveEvery: number;
  /** Command line, kept with the weights. */
  readonly command: string;
}

export interface StepProgress {
  /** Updates made so far, of all epochs. */
  readonly step: number;
  readonly epoch: number;
  readonly epochs: number;
  readonly batch: number;
  readonly batches: number;
  /** Mean cross-entropy of the batch, in nats. */
  readonly loss: number;
  readonly imagesPerSecond: number;
  readonly secondsLeft: number;
  readonly lr: number;
}

export interface EpochSummary {
  /** From 1. */
  readonly epoch: number;
  /** Updates made until its end. */
  readonly step: number;
  readonly trainLoss: number;
  readonly trainAccuracy: number;
  readonly valLoss: number;
  readonly valAccuracy: number;
  readonly valMeanClassAccuracy: number;
  readonly valMacroF1: number;
  /** Expected calibration error, a fraction. */
  readonly valEce: number;
  /** Learning rate of the epoch's first update; with that of the last, `lr`, its curve can be drawn. */
  readonly lrStart: number;
  readonly lr: number;
  /** With its evaluation, over all processes that trained it. */
  readonly seconds: number;
  readonly best: boolean;
}

export interface TrainListener {
  /** Everything is ready, and training is about to begin. */
  onStart?(info: {
    readonly device: string;
    readonly trainSamples: number;
    readonly valSamples: number;
    /** Trained ones. */
    readonly parameters: number;
    readonly batches: number;
    /** Epochs to train, the one under way among them; 0 where a run that is finished is resumed. */
    readonly epochsLeft: number;
    readonly labels: readonly string[];
    /** Updates made before: 0 unless the run goes on. */
    readonly step: number;
    /** Lines of the history so far, those of finished epochs among them. */
    readonly history: readonly HistoryEvent[];
  }): void;
  onStep?(progress: StepProgress): void;
  /** An epoch is finished and saved. */
  onEpoch?(summary: EpochSummary, validation: Evaluation): void;
  /** A file's weights were taken to begin with. */
  onInit?(report: InitReport): void;
  /** Training pictures are where they should be new: told before training, once. */
  onShared?(shared: readonly SharedSet[]): void;
  /** A sentence about the run that does not follow from its options alone. */
  onNote?(sentence: string, settings?: readonly Setting[]): void;
}

export interface TrainResult {
  /** From 1; 0: no epoch was finished. */
  readonly bestEpoch: number;
  readonly bestAccuracy: number;
  /** Null: there are no weights of the best epoch, because none was finished or those of before were not there. */
  readonly bestCheckpoint: string | null;
  readonly lastCheckpoint: string;
  /** Fitted and stored with the best weights at the end; null where none was asked for, or the pictures leave it open. */
  readonly temperature: number | null;
  /** Epochs finished. */
  readonly epochs: number;
  readonly interrupted: boolean;
  /** What became of the files that the run began with. */
  readonly init: readonly InitReport[];
  /** Training pictures that are among the validation pictures or in another split too. */
  readonly shared: readonly SharedSet[];
  /** Pictures that could not be read, and why. */
  readonly skipped: readonly { readonly path: string; readonly reason: string }[];
}
