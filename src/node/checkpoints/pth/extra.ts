import { isObject, type PickleTensor, type PickleValue } from './pickle-values.js';

/**
 * What a checkpoint holds besides weights, as JSON can say it. Objects of unknown classes are `{ $class, ... }`, tensors
 * `{ $tensor, shape }` (those of one element beside the weights: their number), bytes `{ $bytes }`; what is too long or
 * too deep ends in `$more`.
 */
export type Extra = null | boolean | number | string | readonly Extra[] | { readonly [key: string]: Extra };

/** Values that are converted; objects that refer to each other could otherwise unfold without end. */
const maxValues = 20_000;
const maxDepth = 32;
const maxText = 1000;

/** @param omit what to leave out: the weights */
export function extraOf(
  value: PickleValue,
  omit: (value: PickleValue) => boolean,
  scalars: ReadonlyMap<PickleTensor, number>,
): Extra {
  let left = maxValues;
  const convert = (one: PickleValue, depth: number): Extra => {
    if (typeof one === 'bigint') return one.toString();
    if (typeof one === 'string') return one.length <= maxText ? one : { $more: `${one.slice(0, 100)}…` };
    if (!isObject(one)) return one;
    left -= 1;
    if (left < 0 || depth > maxDepth) return { $more: one.kind };
    const list = (items: readonly PickleValue[]): Extra[] => {
      const kept: Extra[] = [];
      for (const item of items) {
        if (left-- <= 0) return [...kept, { $more: `${items.length - kept.length} values` }];
        kept.push(convert(item, depth + 1));
      }
      return kept;
    };
    const record = (entries: ReadonlyMap<PickleValue, PickleValue>): { readonly [key: string]: Extra } => {
      const kept: [string, Extra][] = [];
      for (const [key, item] of entries) {
        // Also what is left out counts: one dict of many weights can be in a file many times.
        if (left-- <= 0) return Object.fromEntries([...kept, ['$more', `${entries.size - kept.length} values`]]);
        if (omit(item)) continue;
        kept.push([isObject(key) ? `$${key.kind}` : String(key).slice(0, maxText), convert(item, depth + 1)]);
      }
      return Object.fromEntries(kept);
    };
    switch (one.kind) {
      case 'list':
      case 'tuple':
      case 'set':
        return list(one.items);
      case 'dict':
        return record(one.entries);
      case 'bytes':
        return { $bytes: one.data.byteLength };
      case 'global':
        return { $name: one.name };
      case 'storage':
        return { $storage: one.type, length: one.length };
      case 'tensor':
        return scalars.get(one) ?? { $tensor: one.storage.type, shape: [...one.shape] };
      case 'record':
        return {
          $class: one.className,
          ...(one.args.length === 0 ? {} : { args: list(one.args) }),
          ...(one.state === undefined ? {} : { state: convert(one.state, depth + 1) }),
          ...(one.items.length === 0 ? {} : { items: list(one.items) }),
          ...(one.entries.size === 0 ? {} : { entries: record(one.entries) }),
        };
    }
  };
  return convert(value, 0);
}
