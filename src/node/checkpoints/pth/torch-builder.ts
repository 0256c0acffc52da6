import { printable } from '../../../common/printable.js';
import { checkDimensions, checkName, type PickleBudget } from './pickle-limits.js';
import type { Builder } from './pickle-machine.js';
import { fill } from './pickle-machine.js';
import { PickleError } from './pickle-reader.js';
import {
  isObject,
  itemsOf,
  type PickleRecord,
  type PickleStorage,
  type PickleTensor,
  type PickleValue,
} from './pickle-values.js';

// What PyTorch's pickles call to be put together again: tensors over storages, ordered dicts, and little else.

const isCount = (value: PickleValue | undefined): value is number => Number.isSafeInteger(value) && Number(value) >= 0;

/** Sizes or strides of a tensor, as a copy: a list could be appended to after it was looked at. */
function counts(value: PickleValue | undefined): readonly number[] | undefined {
  const items = itemsOf(value);
  if (items === undefined) return undefined;
  checkDimensions(items.length);
  return items.every(isCount) ? [...items] : undefined;
}

function tensor(args: readonly PickleValue[], dtype?: PickleValue): PickleTensor | undefined {
  const [storage, offset] = args;
  const shape = counts(args[2]);
  const strides = counts(args[3]);
  if (!isObject(storage) || storage.kind !== 'storage' || !isCount(offset)) return undefined;
  if (shape === undefined || strides === undefined || shape.length !== strides.length) return undefined;
  const name = isObject(dtype) && dtype.kind === 'global' ? dtype.name.replace(/^torch\./, '') : undefined;
  return { kind: 'tensor', storage, dtype: name, offset, shape, strides };
}

/** `OrderedDict()`, or with a list of pairs, as Python 2 wrote it. */
function orderedDict(args: readonly PickleValue[], budget: PickleBudget): PickleValue | undefined {
  const pairs = itemsOf(args[0]) ?? [];
  budget.spend(2 * pairs.length);
  const entries = new Map<PickleValue, PickleValue>();
  for (const pair of pairs) {
    const items = itemsOf(pair);
    if (items?.length !== 2) return undefined;
    fill(entries, items, budget);
  }
  return { kind: 'dict', entries };
}

/** Bytes, as protocol 2 writes what Python 3 calls so. */
function encoded([text, encoding]: readonly PickleValue[], budget: PickleBudget): PickleValue | undefined {
  if (typeof text !== 'string' || (encoding !== 'latin1' && encoding !== 'latin-1')) return undefined;
  budget.spend(text.length / 8);
  return { kind: 'bytes', data: Buffer.from(text, 'latin1') };
}

/** An object of protocol 0 or 1: its class comes as an argument. */
function reconstructed([cls]: readonly PickleValue[]): PickleRecord | undefined {
  if (!isObject(cls) || cls.kind !== 'global') return undefined;
  return { kind: 'record', className: cls.name, args: [], state: undefined, items: [], entries: new Map() };
}

/** The items of a list or tuple, in an array of their own. */
function copyOf(value: PickleValue | undefined, budget: PickleBudget): PickleValue[] {
  const items = itemsOf(value) ?? [];
  budget.spend(items.length);
  return [...items];
}

type Rebuild = (args: readonly PickleValue[], budget: PickleBudget) => PickleValue | undefined;

const tensorOf = (value: PickleValue | undefined): PickleTensor | undefined =>
  isObject(value) && value.kind === 'tensor' ? value : undefined;

/** A tensor subclass: function, class, arguments, state. */
function fromType([callee, , args]: readonly PickleValue[], budget: PickleBudget): PickleValue | undefined {
  const name = isObject(callee) && callee.kind === 'global' ? callee.name : '';
  return name === 'torch._tensor._rebuild_from_type_v2'
    ? undefined
    : rebuilders.get(name)?.(itemsOf(args) ?? [], budget);
}

const setOf: Rebuild = ([items], budget) => ({ kind: 'set', items: copyOf(items, budget) });
const emptyDict: Rebuild = () => ({ kind: 'dict', entries: new Map() });

const rebuilders: ReadonlyMap<string, Rebuild> = new Map<string, Rebuild>([
  ['collections.OrderedDict', orderedDict],
  ['collections.defaultdict', emptyDict],
  [
    'torch.Size',
    ([sizes]) => {
      const items = counts(sizes);
      return items === undefined ? undefined : { kind: 'tuple', items };
    },
  ],
  ['_codecs.encode', encoded],
  ['builtins.set', setOf],
  ['__builtin__.set', setOf],
  ['copyreg._reconstructor', reconstructed],
  ['copy_reg._reconstructor', reconstructed],
  ['torch._utils._rebuild_tensor', (args) => tensor(args)],
  ['torch._utils._rebuild_tensor_v2', (args) => tensor(args)],
  ['torch._utils._rebuild_tensor_v3', (args) => tensor(args, args[6])],
  ['torch._utils._rebuild_parameter', ([data]) => tensorOf(data)],
  ['torch._utils._rebuild_parameter_with_state', ([data]) => tensorOf(data)],
  ['torch._tensor._rebuild_from_type_v2', fromType],
]);

/** `Float` of `torch.FloatStorage`, `torch.cuda.FloatStorage`; `Untyped` of `torch.storage.UntypedStorage`. */
function storageType(cls: PickleValue | undefined): string | undefined {
  if (!isObject(cls) || cls.kind !== 'global' || cls.name.length > 60) return undefined;
  return /^torch\.(?:cuda\.|storage\.)?(\w+)Storage$/.exec(cls.name)?.[1];
}

/** `('storage', class, key, device, length)`, and in old files a sixth: `(view key, start, length)` or None. */
function storage(id: PickleValue): PickleStorage {
  const [, cls, key, , length, view] = itemsOf(id) ?? [];
  const type = storageType(cls);
  if (type === undefined || typeof key !== 'string' || !isCount(length)) {
    throw new PickleError('it describes where a tensor lies in an unknown way');
  }
  checkName(key, 'the key of a storage');
  const [, start, viewLength] = itemsOf(view) ?? [];
  if (start === undefined) return { kind: 'storage', key, type, length, start: 0, end: length };
  if (!isCount(start) || !isCount(viewLength) || start + viewLength > length) {
    throw new PickleError('it describes a view of a storage wrongly');
  }
  return { kind: 'storage', key, type, length, start, end: start + viewLength };
}

/** @param storages takes all that the pickle refers to, by key */
export function torchBuilder(storages: Map<string, PickleStorage>): Builder {
  return {
    call: (name, args, budget) => rebuilders.get(name)?.(args, budget),
    persistent(id) {
      const [what, cls] = itemsOf(id) ?? [];
      if (what === 'storage') {
        const found = storage(id);
        const known = storages.get(found.key);
        if (known !== undefined && (known.type !== found.type || known.length !== found.length)) {
          throw new PickleError(`it describes storage ${printable(found.key, 30)} in two ways`);
        }
        storages.set(found.key, found);
        return found;
      }
      // ('module', class, source file, source): old files bring the code of their classes along.
      if (what === 'module' && cls !== undefined) return cls;
      throw new PickleError('it refers to something outside of it that is no tensor');
    },
  };
}

/** For pickles that hold no tensors. */
export const plainBuilder: Builder = {
  call: () => undefined,
  persistent() {
    throw new PickleError('it refers to something outside of it');
  },
};
