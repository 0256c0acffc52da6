import { UserError } from '../common/errors.js';
import { printable } from '../common/printable.js';
import { networkFamilies } from '../models/index.js';

// Networks are saved within others: wrapped for several GPUs, compiled, as a part of a training module. Their tensors
// are then called `module.fc.weight` or `model.net.fc.weight`.

/** Tensors that a file may hold. Published checkpoints have 800, ours with their state of training 3,000. */
export const maxTensors = 50_000;

/** Segments of names that wrappers add, in front or inside; modules of networks are never called so. */
const wrappers: ReadonlySet<string> = new Set([
  'module',
  '_orig_mod',
  '_fsdp_wrapped_module',
  '_checkpoint_wrapped_module',
]);

/**
 * Tensors that say by their names where a network begins: of the whole one, of its parts, and of files of one part. The first
 * that a file has decides: the longest come first, since a network's own name may end in that of another (`x.head.linear`
 * and `head.linear`).
 */
const anchors = [...new Set(networkFamilies.flatMap((family) => family.anchors))].toSorted(
  (a, b) => segmentsOf(b) - segmentsOf(a),
);

function segmentsOf(name: string): number {
  return name.split('.').length;
}

/** Copies of a network that are not the one to use. */
const copies = /ema|average|teacher|momentum|optim|target/i;

/**
 * What tensors of a file are called in the network: without what wrappers put into all names, and without what stands
 * before the network's own. A name that would be there twice, and one that does not begin so, stays as it is.
 * @returns names by the names in the file, in the order given
 * @throws UserError where two tensors would have one name all the same.
 */
export function networkNames(names: Iterable<string>, path: string): Map<string, string> {
  const unwrapped = new Map([...names].map((name) => [name, withoutWrappers(name)]));
  const prefix = prefixOf([...unwrapped.values()]);
  const bare = (name: string): string => (name.startsWith(prefix) ? name.slice(prefix.length) : name);
  const targets = [...unwrapped].map(([name, plain]) => [name, bare(plain)] as const);
  // Names that need no change come first: `module.x` beside `x` is a copy.
  const taken = new Map(targets.filter(([name, target]) => name === target).map(([name]) => [name, name]));
  for (const [name, target] of targets) {
    const free = !taken.has(target) || taken.get(target) === name;
    const chosen = free ? target : name;
    const other = taken.get(chosen);
    if (other !== undefined && other !== name) {
      throw new UserError(`${path} has two tensors called ${printable(chosen)}: save it again, with one of them.`);
    }
    taken.set(chosen, name);
  }
  const byFile = new Map([...taken].map(([target, name]) => [name, target]));
  return new Map([...unwrapped.keys()].map((name) => [name, byFile.get(name) ?? name]));
}

function withoutWrappers(name: string): string {
  if (![...wrappers].some((wrapper) => name.includes(`${wrapper}.`))) return name;
  const segments = name.split('.');
  // The last one is the tensor's own.
  return segments.filter((segment, i) => i === segments.length - 1 || !wrappers.has(segment)).join('.');
}

/** What stands before the names of a network, with its point; empty where nothing does, or there is no network known here. */
function prefixOf(names: readonly string[]): string {
  for (const anchor of anchors) {
    const prefixes = names
      .filter((name) => name === anchor || name.endsWith(`.${anchor}`))
      .map((name) => name.slice(0, -anchor.length));
    const [first] = prefixes.toSorted((a, b) => rank(a) - rank(b));
    if (first !== undefined) return first;
  }
  return '';
}

/** The shortest first, and copies last. */
const rank = (prefix: string): number => prefix.length + (copies.test(prefix) ? 10_000 : 0);
