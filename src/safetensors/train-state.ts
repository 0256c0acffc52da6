import * as z from 'zod';
import { UserError } from '../common/errors.js';
import { parseJson } from '../common/json.js';
import { documentIn, requireDescription } from './description.js';
import { requireFinite } from './finite.js';
import { decodeParameters, encodeModel, type ModelCheckpoint, trainStatePrefix } from './model-checkpoint.js';
import type { Safetensors } from './safetensors.js';
import { bytesOf, type Tensor, toFloat32 } from './tensor.js';

// `last.safetensors` is a model checkpoint that holds the state of training as well: as tensors called
// `train_state/...` and a second JSON document in the metadata. Weights and state that belong together are one file,
// replaced by one rename, so no crash can leave the weights of one step beside the state of another; and the file works
// wherever a model checkpoint does.

/** Name of the file in a run's folder. */
export const lastFileName = 'last.safetensors';

export const trainStateKey = 'poster_v2_train_state';

const count = z.int().nonnegative();
const scalars = z.record(z.string(), z.union([z.number(), z.array(z.number())]));

const stateSchema = z.object({
  format: z.literal(1),
  epoch: count,
  nextBatch: count,
  step: count,
  seed: count,
  config: z.unknown(),
  accumulators: scalars,
  data: z.object({ train: z.string(), validation: z.string() }).exactOptional(),
  teachers: z.array(z.string()).exactOptional(),
  best: z.object({ epoch: count, metric: z.string(), value: z.number() }).exactOptional(),
  optimizer: z.object({ name: z.string(), steps: count, scalars, slots: z.array(z.string().regex(/^[^/]+$/)) }),
  ema: z.object({ updates: count, decay: z.number() }).exactOptional(),
});

/** Arrays by the name of the parameter they belong to; an optimizer that keeps one flat array may call it anything. */
export type NamedArrays = ReadonlyMap<string, Float32Array>;

/** A number or a few, kept to the last bit; must be finite. */
export type Scalars = Readonly<Record<string, number | number[]>>;

/**
 * All that continuing needs besides weights and running statistics. Everything random follows from `seed`, `epoch` and
 * the batch, so no generator is stored.
 */
export interface TrainState {
  /** The epoch under way, from 0. */
  readonly epoch: number;
  /** Index within the epoch of the batch to train on next. 0: the epoch has not begun. */
  readonly nextBatch: number;
  /** Updates made so far, which is the position in the learning rate schedule. */
  readonly step: number;
  readonly seed: number;
  /** The run's configuration, any JSON; the trainer parses it. */
  readonly config: unknown;
  /** Sums over the epoch so far, such as loss and number of samples. */
  readonly accumulators: Scalars;
  /** Digests of the pictures, so that the run does not go on with others; not in states of early versions. */
  readonly data?: { readonly train: string; readonly validation: string };
  /** SHA-256 of the files of the teachers, in their order; without teachers there is none. */
  readonly teachers?: readonly string[];
  /** The best epoch so far. */
  readonly best?: { readonly epoch: number; readonly metric: string; readonly value: number };
  readonly optimizer: {
    readonly name: string;
    /** Updates it has made, for bias correction. */
    readonly steps: number;
    readonly scalars: Scalars;
    /** By slot, such as `exp_avg` and `exp_avg_sq`. Slot names have no `/`. */
    readonly slots: ReadonlyMap<string, NamedArrays>;
  };
  /** Averaged weights. */
  readonly ema?: { readonly updates: number; readonly decay: number; readonly arrays: NamedArrays };
}

const emaPrefix = `${trainStatePrefix}ema/`;
const slotPrefix = `${trainStatePrefix}optimizer/`;

/**
 * What a `last` checkpoint's file is to hold, over the same memory.
 * Throws a ZodError where description or state break their own rules: that is a defect of the caller.
 */
export function encodeTrainState(model: ModelCheckpoint, state: TrainState): Safetensors {
  const { metadata, tensors } = encodeModel(model);
  const { ema, optimizer, ...rest } = state;
  const document = stateSchema.parse({
    format: 1,
    ...rest,
    optimizer: { ...optimizer, slots: [...optimizer.slots.keys()] },
    ...(ema === undefined ? {} : { ema: { updates: ema.updates, decay: ema.decay } }),
  });
  const all = new Map<string, Tensor>(tensors);
  const add = (prefix: string, arrays: NamedArrays): void => {
    for (const [name, array] of arrays) {
      all.set(prefix + name, { dtype: 'F32', shape: [array.length], data: bytesOf(array) });
    }
  };
  for (const [slot, arrays] of optimizer.slots) add(`${slotPrefix}${slot}/`, arrays);
  if (ema !== undefined) add(emaPrefix, ema.arrays);
  return { metadata: new Map([...metadata, [trainStateKey, JSON.stringify(document)]]), tensors: all };
}

/** The arrays whose names begin with `prefix`, under the rest of their names. */
function arraysUnder(prefix: string, tensors: Safetensors['tensors']): Map<string, Float32Array> {
  const arrays = new Map<string, Float32Array>();
  for (const [name, tensor] of tensors) {
    if (name.startsWith(prefix)) arrays.set(name.slice(prefix.length), toFloat32(tensor, name));
  }
  return arrays;
}

/** A state array that carries a parameter's name must be as long as that parameter. */
function checkLengths(arrays: NamedArrays, model: ModelCheckpoint, what: string, path: string): void {
  for (const [name, { data }] of model.parameters) {
    const array = arrays.get(name);
    if (array === undefined || array.length === data.length) continue;
    throw new UserError(
      `${path} is inconsistent: ${what} of ${name} has ${array.length} values for a parameter of ${data.length}; resume from another checkpoint.`,
    );
  }
}

/** An average holds all parameters: those that it lacked could not go on as they were. */
function requireAll(averages: NamedArrays, model: ModelCheckpoint, path: string): void {
  for (const name of model.parameters.keys()) {
    if (averages.has(name)) continue;
    throw new UserError(`${path} is inconsistent: the average of ${name} is missing; resume from another checkpoint.`);
  }
}

export function parseTrainState(metadata: ReadonlyMap<string, string>, path: string): z.infer<typeof stateSchema> {
  const json = documentIn(metadata, trainStateKey, path);
  if (json === undefined) {
    throw new UserError(
      `${path} holds weights but no state of training, so there is nothing to resume: start a run from it, or resume from a run's ${lastFileName}.`,
      'input',
      { settings: ['init'] },
    );
  }
  return parseJson(json, stateSchema, `The training state in ${path}`);
}

/**
 * The model and the state of training in a file that is in memory.
 * @throws UserError when it holds no training state, or an inconsistent one.
 */
export function decodeTrainState(
  { metadata, tensors }: Safetensors,
  path: string,
): { readonly model: ModelCheckpoint; readonly state: TrainState } {
  const { format: _format, optimizer, ema, ...rest } = parseTrainState(metadata, path);
  const model: ModelCheckpoint = { ...requireDescription(metadata, path), parameters: decodeParameters(tensors) };
  for (const [name, { data }] of model.parameters) requireFinite(data, name, path);

  const slots = new Map<string, NamedArrays>();
  for (const slot of optimizer.slots) {
    const arrays = arraysUnder(`${slotPrefix}${slot}/`, tensors);
    checkLengths(arrays, model, slot, path);
    slots.set(slot, arrays);
  }
  const averages = arraysUnder(emaPrefix, tensors);
  checkLengths(averages, model, 'the average', path);
  if (ema !== undefined) requireAll(averages, model, path);
  return {
    model,
    state: {
      ...rest,
      optimizer: { ...optimizer, slots },
      ...(ema === undefined ? {} : { ema: { ...ema, arrays: averages } }),
    },
  };
}
