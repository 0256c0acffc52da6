import type { Command } from 'commander';
import { messageOf, type Setting, UserError } from '../common/errors.js';

/** What the command line calls what messages advise about: an option, or a command where it belongs to another one. */
export const optionTexts: Readonly<Record<Exclude<Setting, `network:${string}`>, string>> = {
  data: '--data DIR',
  dataType: '--data-type NAME',
  model: '--model NAME',
  trainSplit: '--train-split NAME',
  valSplit: '--val-split NAME',
  holdOut: '--hold-out FRACTION',
  calibration: '--calibration FRACTION',
  folds: '--folds COUNT',
  fold: '--fold NUMBER',
  epochs: '--epochs COUNT',
  batchSize: '--batch-size COUNT',
  microBatch: '--micro-batch COUNT',
  lr: '--lr RATE',
  optimizer: '--optimizer NAME',
  momentum: '--momentum FACTOR',
  weightDecay: '--weight-decay RATE',
  decay: '--decay WHAT',
  schedule: '--schedule NAME',
  gamma: '--gamma FACTOR',
  warmUp: '--warm-up EPOCHS',
  rho: '--rho RADIUS',
  ema: '--ema DECAY',
  clip: '--clip NORM',
  sampling: '--sampling NAME',
  targets: '--targets NAME',
  augmentation: '--augmentation NAME',
  flip: '--flip PROBABILITY',
  erasing: '--erasing PROBABILITY',
  erasingScale: '--erasing-scale LIST',
  erasingRatio: '--erasing-ratio LIST',
  rotation: '--rotation DEGREES',
  zoom: '--zoom LIST',
  shift: '--shift FRACTION',
  cropScale: '--crop-scale LIST',
  brightness: '--brightness AMOUNT',
  contrast: '--contrast AMOUNT',
  gammaCorrection: '--gamma-correction AMOUNT',
  blur: '--blur PROBABILITY',
  noise: '--noise FRACTION',
  jpeg: '--jpeg PROBABILITY',
  mixup: '--mixup ALPHA',
  cutmix: '--cutmix ALPHA',
  labelSmoothing: '--label-smoothing FRACTION',
  teacher: '--teacher FILE',
  teacherWeight: '--teacher-weight SHARE',
  teacherTemperature: '--teacher-temperature FACTOR',
  seed: '--seed NUMBER',
  asPublished: '--as-published',
  init: 'poster train --init [PART=]FILE',
  initLabels: '--init-labels NAME',
  resume: '--resume FILE',
  out: '--out DIR',
  checkpoint: '--checkpoint PATH',
  prefer: '--prefer WHAT',
  without: '--without LIST',
  labels: '--labels NAME',
  device: '--device NAME',
  split: '--split NAME',
  target: '--class NAME',
  folderLabels: '--data-labels NAME',
  mapping: '--map-labels',
  landmarkDetector: 'poster landmarks',
  rebalance: 'poster rebalance',
  stream: '--stream',
  ffmpeg: 'FFMPEG_PATH',
  serverKey: '--server-key KEY',
  to: '--to FORMAT',
  opset: '--opset VERSION',
  precision: '--precision TYPE',
  deadTensors: '--dead-tensors',
  recorderEpochs: '--recorders [EPOCHS]',
  link: '--link KIND',
  skipBad: '--skip-bad',
  crops: '--crops',
  convert: 'poster convert',
  cropDataset: 'poster crop',
};

/** The command line's option for a field of a run: `batchSize` is `--batch-size`. */
export const flagOf = (key: string): string => `--${key.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;

/** Flags of the command that runs; undefined: any. */
let ownFlags: ReadonlySet<string> | undefined;

/** Messages name no options from now on but those of this command. */
export function speakFor({ options }: Pick<Command, 'options'>): void {
  ownFlags = new Set(options.flatMap(({ long, short }) => [long, short].filter((flag) => flag !== undefined)));
}

/** Whether the command that runs has this option, or it is another command. */
function isOwn(text: string): boolean {
  const [flag = ''] = text.split(' ', 1);
  return !flag.startsWith('--') || ownFlags === undefined || ownFlags.has(flag);
}

/** `--batch-size COUNT` */
function optionText(setting: Setting): string {
  return isOfNetwork(setting) ? flagOf(setting.slice(networkPrefix.length)) : optionTexts[setting];
}

const networkPrefix = 'network:';
const isOfNetwork = (setting: Setting): setting is `network:${string}` => setting.startsWith(networkPrefix);

/** A library's sentence with the options that it is about: `... name them (--labels NAME).` */
export function advised(sentence: string, settings: readonly Setting[] = []): string {
  const options = settings.map(optionText).filter(isOwn);
  if (options.length === 0) return sentence;
  return `${sentence.replace(/\.$/, '')} (${options.join(', ')}).`;
}

/** What the command line says of anything thrown. */
export function sentenceOf(error: unknown): string {
  return error instanceof UserError ? advised(error.message, error.settings) : messageOf(error);
}
