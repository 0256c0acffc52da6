import { UserError } from '../common/errors.js';
import type { Checkpoint } from './checkpoint.js';
import type { ModelDescription } from './description.js';
import { type HeadNames, type Preference, rareHead } from './head-record.js';

/**
 * What a description says of the head that is chosen: its temperature, and no other heads.
 * @throws UserError where there is no such head.
 */
export function describedAs(description: ModelDescription, prefer: Preference, path: string): ModelDescription {
  if (prefer === 'accuracy') return description;
  const { heads, temperature: _, ...rest } = description;
  if (heads?.rare === undefined) {
    throw new UserError(
      `${path} has no head that prefers rare classes; leave the preference out, or make one.`,
      'input',
      { settings: ['prefer', 'rebalance'] },
    );
  }
  const { temperature } = heads.rare;
  return temperature === undefined ? rest : { ...rest, temperature };
}

/**
 * Names of a chosen head's tensors in the file, by the names that the network has for them; none for its own head.
 * @param tensors of the file
 * @throws UserError where the file says that it has that head, and lacks its tensors.
 */
export function chosenHead(
  prefer: Preference,
  head: HeadNames,
  path: string,
  tensors: ReadonlyMap<string, unknown>,
): ReadonlyMap<string, string> {
  if (prefer === 'accuracy') return new Map();
  for (const name of [rareHead.weight, rareHead.bias]) {
    if (tensors.has(name)) continue;
    throw new UserError(
      `${path} says that it has a head for rare classes, and lacks ${name}; make it again.`,
      'input',
      { settings: ['rebalance'] },
    );
  }
  return new Map([
    [head.weight, rareHead.weight],
    [head.bias, rareHead.bias],
  ]);
}

/**
 * A checkpoint whose head is the one that is chosen.
 * @param head names of the network's own
 * @throws UserError as {@link chosenHead}
 */
export function withHead<C extends Checkpoint>(checkpoint: C, prefer: Preference, head: HeadNames): C {
  const chosen = chosenHead(prefer, head, checkpoint.path, checkpoint.tensors);
  if (chosen.size === 0) return checkpoint;
  const tensors = new Map(checkpoint.tensors);
  for (const [own, other] of chosen) {
    const entry = checkpoint.tensors.get(other);
    if (entry !== undefined) tensors.set(own, entry);
  }
  return {
    ...checkpoint,
    tensors,
    async read(wanted) {
      const read = new Map(await checkpoint.read(new Set([...wanted].map((name) => chosen.get(name) ?? name))));
      for (const [own, other] of chosen) {
        const tensor = read.get(other);
        if (tensor !== undefined && wanted.has(own)) read.set(own, tensor);
        read.delete(other);
      }
      return read;
    },
  };
}
