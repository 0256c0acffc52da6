import { UserError } from '../common/errors.js';
import type { FoldChoice } from '../node/datasets/index.js';
import type { ModelDescription } from '../safetensors/index.js';

export interface FoldFlags {
  readonly folds?: number;
  readonly fold?: number;
  readonly seed?: number;
}

/**
 * The part of a split to measure. What is not given is what the weights say they were trained without.
 * @throws UserError where neither says it.
 */
export function foldToMeasure(flags: FoldFlags, { training }: ModelDescription, path: string): FoldChoice | undefined {
  const { folds, fold, seed } = flags;
  if (folds === undefined && fold === undefined) {
    if (seed === undefined) return undefined;
    throw new UserError('--seed says which pictures are in which fold; give --folds too, or leave it out.', 'usage');
  }
  const kept = training?.protocol?.fold;
  const count = folds ?? kept?.count;
  if (count === undefined) {
    throw new UserError(`${path} does not say into how many folds its data was divided; give --folds.`, 'usage');
  }
  if (fold === undefined && kept !== undefined && kept.count !== count) {
    throw new UserError(
      `${path} was trained without fold ${kept.index} of ${kept.count}, not of ${count}; give --folds ${kept.count}.`,
      'usage',
    );
  }
  const index = fold ?? kept?.index;
  if (index === undefined) {
    throw new UserError(`${path} does not say which of ${count} folds it was trained without; give --fold.`, 'usage');
  }
  return { index, count, seed: seed ?? kept?.seed ?? 0 };
}
