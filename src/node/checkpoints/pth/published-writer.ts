import { formatDescription, type ModelDescription } from '../../../safetensors/description.js';
import { descriptionKey } from '../../../safetensors/description-key.js';
import { isOptionalBuffer } from '../../../safetensors/parameters.js';
import { fromFloat32, type Tensor } from '../../../safetensors/tensor.js';
import {
  type PickleValue,
  pickleCall,
  pickleFloat,
  pickleGlobal,
  pickleOrderedDict,
  pickleTuple,
} from './pickle-writer.js';
import { writePth } from './pth-writer.js';

/** What the published script reads from a checkpoint to go on with, whatever its own options say. */
export interface ResumeSettings {
  /** Of the next epoch. */
  readonly learningRate: number;
  /** Of the first. */
  readonly initialLearningRate: number;
  /** Radius of SAM. */
  readonly rho: number;
  readonly weightDecay: number;
}

/** What a checkpoint of the published training script holds. */
export interface PublishedCheckpoint {
  /** Weights, running statistics and integer buffers by published name, without `module.`. */
  readonly tensors: ReadonlyMap<string, Tensor>;
  /** Epochs that were finished. */
  readonly epoch: number;
  /** Best accuracy so far in percent, as the published script counts. */
  readonly bestAccuracy: number;
  /** With which the published script goes on. */
  readonly resume: ResumeSettings;
  /**
   * The length of the run whose curves the script's recorders draw. With it they are made by the script's own classes,
   * which only unpickling without restrictions allows; without it they are None, `torch.load` needs no class of anybody,
   * and the script fails at the end of the first epoch after it resumes.
   */
  readonly recorderEpochs?: number;
  /** Network, labels and preprocessing, for this project; other readers pass over it. */
  readonly description?: ModelDescription;
}

/**
 * Writes a `.pth` file that the published code evaluates and resumes from: a dict of `epoch`, `state_dict` (prefixed
 * `module.`, as DataParallel names its parts), `best_acc`, `optimizer`, `recorder1`, `recorder`. Its strict loading wants
 * integer buffers and dead tensors among `tensors`.
 * @throws UserError when it cannot be written.
 */
export function writePublished(path: string, checkpoint: PublishedCheckpoint): Promise<void> {
  const { epoch, recorderEpochs, description } = checkpoint;
  return writePth(path, (storages) => {
    const state = new Map([...checkpoint.tensors].map(([name, t]) => [`module.${name}`, storages.tensor(t)]));
    const bestAccuracy = fromFloat32({ shape: [], data: Float32Array.of(checkpoint.bestAccuracy) });
    const recorder = (name: string): PickleValue =>
      recorderEpochs === undefined ? null : pickleCall(pickleGlobal('__main__', name), recorderEpochs);
    return new Map<string, PickleValue>([
      ['epoch', epoch],
      ['state_dict', pickleOrderedDict(state)],
      ['best_acc', storages.tensor(bestAccuracy)],
      ['optimizer', optimizer(checkpoint)],
      ['recorder1', recorder('RecorderMeter1')],
      ['recorder', recorder('RecorderMeter')],
      ...(description === undefined ? [] : ([[descriptionKey, formatDescription(description)]] as const)),
    ]);
  });
}

/**
 * The state of a SAM over Adam that has made no step. The published script stores no moments: its SAM keeps them in a
 * base optimizer whose state it does not save. What other versions of PyTorch do not know they pass over.
 */
function optimizer({ tensors, resume }: PublishedCheckpoint): PickleValue {
  const parameters = [...tensors.keys()].filter((name) => !isBuffer(name));
  const group = new Map<string, PickleValue>([
    ['rho', pickleFloat(resume.rho)],
    ['adaptive', false],
    ['lr', pickleFloat(resume.learningRate)],
    ['betas', pickleTuple(0.9, 0.999)],
    ['eps', 1e-8],
    ['weight_decay', pickleFloat(resume.weightDecay)],
    ['amsgrad', false],
    ['maximize', false],
    ['foreach', null],
    ['capturable', false],
    ['differentiable', false],
    ['fused', null],
    ['decoupled_weight_decay', false],
    ['initial_lr', pickleFloat(resume.initialLearningRate)],
    ['params', parameters.map((_, i) => i)],
  ]);
  return new Map<string, PickleValue>([
    ['state', new Map()],
    ['param_groups', [group]],
  ]);
}

const isBuffer = (name: string): boolean => isOptionalBuffer(name) || /(^|\.)running_(mean|var)$/.test(name);
