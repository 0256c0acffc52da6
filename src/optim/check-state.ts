import { UserError } from '../common/errors.js';
import { itemAt } from '../common/item-at.js';
import type { Layout } from './flat-layout.js';
import type { OptimizerConfig } from './optimizer.js';
import { momentsOf } from './update-graph.js';

/**
 * That an optimizer can go on from stored arrays, by their names and sizes alone: nothing is allocated.
 * @throws UserError that names the first array that is missing or of another size, or a count of steps that cannot be.
 */
export function checkStoredState(
  config: OptimizerConfig,
  layout: Layout,
  step: number,
  arrays: ReadonlyMap<string, Float32Array>,
): void {
  if (!Number.isSafeInteger(step) || step < 0) {
    throw new UserError(`The stored optimizer state counts ${step} steps, which cannot be; start without it.`);
  }
  for (const kind of momentsOf(config)) {
    for (const [index, parameter] of layout.names.entries()) {
      const name = `${kind}/${parameter}`;
      const [found, size] = [arrays.get(name)?.length, itemAt(layout.sizes, index)];
      // Of nothing, nothing need be stored.
      if (found === size || (found === undefined && size === 0)) continue;
      const problem = found === undefined ? 'is missing' : `has ${found} elements instead of ${size}`;
      throw new UserError(
        `The stored optimizer state does not fit ${config.type} on this network: ${name} ${problem}; ` +
          'resume with the optimizer and model it was saved with.',
      );
    }
  }
}
