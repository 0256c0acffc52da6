import { UserError } from '../../../common/errors.js';
import { printable } from '../../../common/printable.js';
import { maxTensors } from '../../../safetensors/tensor-names.js';
import { isObject, type PickleDict, type PickleTensor, type PickleValue } from './pickle-values.js';

// Where the weights are in what a training script saved: alone, or beside the epoch, the optimizer and what it liked.

/** Under these keys scripts keep weights; earlier ones go first, averages last. */
const usualKeys: readonly string[] = [
  ...[
    'state_dict',
    'model_state_dict',
    'model_state',
    'model',
    'net_state_dict',
    'net',
    'network',
    'weights',
    'params',
  ],
  ...['ema_state_dict', 'state_dict_ema', 'model_ema', 'params_ema', 'ema_model', 'ema', 'shadow'],
];
/** Under these they keep tensors that are no weights. */
const otherKeys = /optim|sched|scaler|ema|rng|recorder|loss|_metadata/i;
const maxDepth = 3;
/** Dicts that are looked through, and characters of a key that is looked under: checkpoints have a handful, and short ones. */
const maxDicts = 1000;
const maxKeyLength = 60;

export interface StateDict {
  readonly dict: PickleDict;
  /** Keys that lead to it from the outermost object; empty where that is it. */
  readonly path: readonly string[];
  /** By name, as the file has it. */
  readonly tensors: ReadonlyMap<string, PickleTensor>;
}

const isTensor = (value: PickleValue): boolean => isObject(value) && value.kind === 'tensor';
/** Made where a tensor of a kind was wanted that we do not read: quantized, sparse, without storage. */
const oddTensor = /^torch\._(utils|tensor)\._rebuild_/;
const isOddTensor = (value: PickleValue): boolean =>
  isObject(value) && value.kind === 'record' && oddTensor.test(value.className);

/** A tensor without dimensions. */
const isNumber = (value: PickleValue): boolean =>
  isObject(value) && value.kind === 'tensor' && value.shape.length === 0;

/**
 * Finds the weights in what a file holds.
 * @throws UserError when there are none, or they cannot be told from each other.
 */
export function findStateDict(root: PickleValue, path: string): StateDict {
  const found = search(root, [], new Set());
  if (found === undefined) throw noWeights(root, path);
  return { ...found, tensors: namedTensors(found.dict, path) };
}

type DictLocation = Omit<StateDict, 'tensors'>;

/** @param visited every dict is looked through once, however often others refer to it */
function search(value: PickleValue, path: readonly string[], visited: Set<PickleValue>): DictLocation | undefined {
  if (!isUnvisitedDict(value, visited)) return undefined;
  visited.add(value);
  const inside = (key: PickleValue): DictLocation | undefined =>
    typeof key === 'string' && path.length < maxDepth
      ? search(value.entries.get(key) ?? null, [...path, key], visited)
      : undefined;
  for (const key of usualKeys) {
    const found = inside(key);
    if (found !== undefined) return found;
  }
  // A bare one. Numbers beside other things are scores.
  const values = [...value.entries.values()];
  const own = values.filter((entry) => isTensor(entry) || isOddTensor(entry));
  const bare = own.length > 0 && (own.length === values.length || own.some((entry) => !isNumber(entry)));
  const others = [...value.entries].flatMap(([key, entry]) => {
    if (typeof key !== 'string' || key.length > maxKeyLength || !isUnvisitedDict(entry, visited)) return [];
    return otherKeys.test(key) || usualKeys.includes(key) ? [] : (inside(key) ?? []);
  });
  const [other] = others;
  if (other !== undefined && others.length === 1 && (!bare || own.length < count(other.dict))) return other;
  return bare ? { dict: value, path } : undefined;
}

function isUnvisitedDict(value: PickleValue, visited: ReadonlySet<PickleValue>): value is PickleDict {
  return isObject(value) && value.kind === 'dict' && !visited.has(value) && visited.size < maxDicts;
}

const count = ({ entries }: PickleDict): number => [...entries.values()].filter(isTensor).length;

function namedTensors({ entries }: PickleDict, path: string): Map<string, PickleTensor> {
  const tensors: [string, PickleTensor][] = [];
  for (const [key, value] of entries) {
    const name = typeof key === 'string' || typeof key === 'number' ? String(key) : '?';
    if (isOddTensor(value)) {
      throw new UserError(
        `${path} cannot be read: tensor "${printable(name)}" is quantized, sparse or without values; convert it with PyTorch first.`,
      );
    }
    if (isObject(value) && value.kind === 'tensor') tensors.push([name, value]);
  }
  const named = new Map(tensors);
  if (named.size < tensors.length) throw new UserError(`${path} has two tensors of one name: save it again.`);
  if (named.size > maxTensors) {
    throw new UserError(
      `${path} holds ${named.size} tensors, and ${maxTensors} are read at most: save the network's alone.`,
    );
  }
  return named;
}

function noWeights(root: PickleValue, path: string): UserError {
  if (isObject(root) && root.kind === 'record') {
    return new UserError(
      `${path} holds a whole object of class ${printable(root.className, 60)}, which nothing here builds: save its state_dict() with torch.save, or as safetensors.`,
    );
  }
  if (isObject(root) && root.kind === 'dict') {
    if (root.entries.size === 0)
      return new UserError(`${path} holds no weights, nothing at all: choose another checkpoint.`);
    const keys = [...root.entries.keys()].slice(0, 6).map((key) => printable(isObject(key) ? '?' : String(key), 30));
    const optimizer = keys.some((key) => otherKeys.test(key)) ? ' (the "best" files of the published code are so)' : '';
    return new UserError(
      `${path} holds no weights but ${keys.join(', ')}${optimizer}: use the checkpoint that was saved beside it.`,
    );
  }
  const what = isObject(root) ? `a ${root.kind}` : root === null ? 'None' : `a ${typeof root}`;
  return new UserError(`${path} holds ${what} rather than weights by name: save a state_dict.`);
}
