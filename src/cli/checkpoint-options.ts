import { type Command, InvalidArgumentError, Option } from 'commander';
import * as z from 'zod';
import { defined } from '../common/defined.js';
import { knownLabelSets } from '../common/label-sets.js';
import type { LabelSet } from '../common/labels.js';
import type { LowContrast } from '../image/contrast.js';
import { type AssumedModel, modelNames } from '../models/index.js';
import { bundledCheckpoint, requireBundledCheckpoint } from '../node/host/bundled-weights.js';
import { type Classifier, loadClassifier } from '../recognize/classifier.js';
import type { NetworkOptions } from '../recognize/network.js';
import { Recognizer, type RecognizerOptions } from '../recognize/recognizer.js';
import { type DeviceName, deviceNames } from '../runtime/index.js';
import { type Preference, preferences } from '../safetensors/index.js';
import { labelSetArgument, numberOf } from './arguments.js';
import { openDevice } from './open-device.js';

/** What commands that run a checkpoint share. */
export interface CheckpointOptions {
  readonly checkpoint: string;
  readonly model?: string;
  readonly labels?: LabelSet;
  readonly device: DeviceName | 'auto';
  readonly threads?: number;
  readonly raw?: boolean;
  readonly prefer?: Preference;
}

export const labelSetNames = knownLabelSets.map(({ name }) => name).join(', ');
export const positive = numberOf(z.int().min(1));

export function withCheckpointOptions(command: Command): Command {
  return command
    .addOption(deviceOption('cpu'))
    .addOption(gpuOption())
    .option('--threads <count>', 'threads of the CPU (default: all cores)', positive)
    .addOption(
      new Option(
        '--model <name>',
        'network of a file that does not name it (default: identified by its tensors)',
      ).choices(modelNames),
    )
    .option(
      '--labels <name>',
      `label set of a file that does not name it, such as a .pth (${labelSetNames})`,
      labelSetArgument,
    );
}

/** For commands that show probabilities. */
export function rawOption(): Option {
  return new Option('--raw', 'probabilities without the temperature of the weights (poster calibrate)');
}

export function preferOption(): Option {
  return new Option('--prefer <what>', 'which head to use if the weights have two (poster rebalance)').choices(
    preferences,
  );
}

export function deviceOption(preset: DeviceName | 'auto'): Option {
  return new Option('--device <name>', 'what to compute on').choices(['auto', ...deviceNames]).default(preset);
}

/** What becomes of faces whose crop has little contrast. */
export function lowContrastOption(preset: LowContrast): Option {
  return new Option('--low-contrast <how>', 'dark or washed-out faces: stretch their contrast, or keep it')
    .choices(['stretch', 'keep'])
    .default(preset);
}

/** Which CUDA device is seen, as the environment variable that CUDA reads when it starts. */
export function gpuOption(): Option {
  return new Option('--gpu <number>', 'which GPU for CUDA (means --device cuda)')
    .argParser((text: string) => {
      if (!/^\d+$/.test(text)) throw new InvalidArgumentError('It must be the number of a GPU: 0, 1, ...');
      process.env['CUDA_VISIBLE_DEVICES'] = text;
      return text;
    })
    .implies({ device: 'cuda' });
}

export function openCheckpoint(options: CheckpointOptions): Promise<Classifier> {
  return openAs(loadClassifier, options);
}

/** The checkpoint as figures of the published code are measured. */
export function openToMeasure(options: CheckpointOptions): Promise<Classifier> {
  return openAs((path, network) => loadClassifier(path, { ...network, acrossBatch: true }), options);
}

/** The checkpoint with a face detector. */
export function openRecognizer(options: CheckpointOptions, more: RecognizerOptions): Promise<Recognizer> {
  const load = (checkpoint: string, network: NetworkOptions): Promise<Recognizer> =>
    Recognizer.load({ ...network, ...more, checkpoint });
  // A device that is named the recognizer tries itself.
  return openAs(load, options, async (device) => (device === 'auto' ? openDevice(device) : device));
}

/** The checkpoint as what `load` makes of it. */
export async function openAs<Opened>(
  load: (path: string, options: NetworkOptions) => Promise<Opened>,
  options: CheckpointOptions,
  deviceFor: typeof openDevice = openDevice,
): Promise<Opened> {
  const { model, labels, threads, device, raw, prefer } = options;
  const path = options.checkpoint === bundledCheckpoint() ? await requireBundledCheckpoint() : options.checkpoint;
  const assumed: AssumedModel = defined({ model, labels });
  return load(path, { device: await deviceFor(device), ...defined({ threads, raw, prefer }), assumed });
}
