import { itemAt } from '../../../common/item-at.js';
import { integerAt } from '../../../common/typed-item.js';
import { fingerprintWords } from './inspect.js';

/** Bits in which two fingerprints may differ: less than they have words, so that one word at least is the same. */
const mostDifferent = fingerprintWords - 1;
/** Pictures with one word in common that are compared with each other; more are too common a look to tell. */
const largestBucket = 2000;

/** Groups, each of two or more indices in ascending order, of equal keys; undefined keys are alone. */
export function groupEqual(keys: readonly (string | undefined)[]): number[][] {
  const groups = new Map<string, number[]>();
  keys.forEach((key, i) => {
    if (key === undefined) return;
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [i]);
    else group.push(i);
  });
  return [...groups.values()].filter((group) => group.length > 1);
}

function bitsOf(word: number): number {
  let x = word - ((word >>> 1) & 0x55555555);
  x = (x & 0x33333333) + ((x >>> 2) & 0x33333333);
  return Math.imul((x + (x >>> 4)) & 0x0f0f0f0f, 0x01010101) >>> 24;
}

function difference(a: Uint32Array, b: Uint32Array): number {
  let bits = 0;
  for (let i = 0; i < fingerprintWords; i++) bits += bitsOf(integerAt(a, i) ^ integerAt(b, i));
  return bits;
}

/**
 * Groups of pictures that look the same, each of two or more indices in ascending order; pictures belong together when a
 * chain of such pairs leads from one to the other. Compared are those with one word of their fingerprints in common.
 */
export function groupSimilar(fingerprints: readonly (Uint32Array | undefined)[]): number[][] {
  const parent = fingerprints.map((_, i) => i);
  const root = (i: number): number => {
    let at = i;
    for (let next = parent[at] ?? at; next !== at; next = parent[at] ?? at) {
      parent[at] = parent[next] ?? next;
      at = next;
    }
    return at;
  };
  for (let word = 0; word < fingerprintWords; word++) {
    const buckets = new Map<number, number[]>();
    fingerprints.forEach((print, i) => {
      if (print === undefined) return;
      const key = integerAt(print, word);
      const bucket = buckets.get(key);
      if (bucket === undefined) buckets.set(key, [i]);
      else bucket.push(i);
    });
    for (const bucket of buckets.values()) {
      if (bucket.length > largestBucket) continue;
      for (let i = 0; i < bucket.length; i++) {
        const a = itemAt(bucket, i);
        const one = fingerprints[a];
        for (let k = i + 1; k < bucket.length; k++) {
          const b = itemAt(bucket, k);
          const other = fingerprints[b];
          if (one === undefined || other === undefined || difference(one, other) > mostDifferent) continue;
          const [first, second] = [root(a), root(b)];
          parent[Math.max(first, second)] = Math.min(first, second);
        }
      }
    }
  }
  return groupEqual(parent.map((_, i) => (fingerprints[i] === undefined ? undefined : String(root(i)))));
}
