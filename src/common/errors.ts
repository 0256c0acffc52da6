/**
 * What is to blame for an error that the user can mend. Programs branch on it; the command line makes an exit code of it, a
 * service a status.
 *
 * - `input`: a file, picture, dataset or checkpoint that cannot be used.
 * - `usage`: what was asked for is wrong in itself: an argument, or two that contradict each other.
 * - `device`: the device asked for is not there.
 * - `resources`: memory, disk, open files or a program of the system are lacking.
 * - `diverged`: training stopped because its numbers left the finite range.
 * - `interrupted`: the user stopped it; what can be saved is saved.
 */
export type ErrorKind = 'input' | 'usage' | 'device' | 'resources' | 'diverged' | 'interrupted';

/**
 * What a sentence advises to give, to change or to leave out, by its name in the programming interface. The sentence itself
 * says it in words; a shell adds what it calls the setting, the command line its option.
 */
export type Setting =
  // Of a run.
  | 'data'
  | 'dataType'
  | 'model'
  | 'trainSplit'
  | 'valSplit'
  | 'holdOut'
  | 'calibration'
  | 'folds'
  | 'fold'
  | 'epochs'
  | 'batchSize'
  | 'microBatch'
  | 'lr'
  | 'optimizer'
  | 'momentum'
  | 'weightDecay'
  | 'decay'
  | 'schedule'
  | 'gamma'
  | 'warmUp'
  | 'rho'
  | 'ema'
  | 'clip'
  | 'sampling'
  | 'targets'
  | 'augmentation'
  | 'flip'
  | 'erasing'
  | 'erasingScale'
  | 'erasingRatio'
  | 'rotation'
  | 'zoom'
  | 'shift'
  | 'cropScale'
  | 'brightness'
  | 'contrast'
  | 'gammaCorrection'
  | 'blur'
  | 'noise'
  | 'jpeg'
  | 'mixup'
  | 'cutmix'
  | 'labelSmoothing'
  | 'teacher'
  | 'teacherWeight'
  | 'teacherTemperature'
  | 'seed'
  | 'asPublished'
  | 'init'
  | 'initLabels'
  | 'resume'
  | 'out'
  // Of a network's own, by its name.
  | `network:${string}`
  // Of networks and what they are measured on.
  | 'checkpoint'
  | 'prefer'
  | 'without'
  | 'labels'
  | 'device'
  | 'split'
  | 'target'
  | 'folderLabels'
  | 'mapping'
  | 'landmarkDetector'
  | 'rebalance'
  // Of what is read and written.
  | 'stream'
  | 'ffmpeg'
  | 'serverKey'
  | 'to'
  | 'opset'
  | 'precision'
  | 'deadTensors'
  | 'recorderEpochs'
  | 'link'
  | 'skipBad'
  | 'crops'
  | 'convert'
  | 'cropDataset';

/** A sentence for the user, and the settings that it advises about. */
export interface Advice {
  readonly sentence: string;
  readonly settings: readonly Setting[];
}

export const advice = (sentence: string, ...settings: readonly Setting[]): Advice => ({ sentence, settings });

export interface UserErrorOptions extends ErrorOptions {
  /** What the message advises about. Default: none. */
  readonly settings?: readonly Setting[];
}

/** Something the user can mend. The message is one sentence that says what was wrong, where, and what to do. */
export class UserError extends Error {
  override readonly name = 'UserError';
  readonly kind: ErrorKind;
  /** What the message advises about. */
  readonly settings: readonly Setting[];
  constructor(message: string, kind: ErrorKind = 'input', { settings = [], ...options }: UserErrorOptions = {}) {
    super(message, options);
    this.kind = kind;
    this.settings = settings;
  }
}

/** Whether something thrown is a {@link UserError} of this kind. */
export function isOfKind(error: unknown, kind: ErrorKind): error is UserError {
  return error instanceof UserError && error.kind === kind;
}

/** The message of anything thrown. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
