import { convolutions } from './convolution.js';
import { elementwise } from './elementwise.js';
import { linearAlgebra } from './linear.js';
import { maps } from './map.js';
import type { OperationName } from './names.js';
import { normalizations } from './normalization.js';
import type { Operation } from './operation.js';
import { positionBiases } from './position-bias.js';
import { reductions } from './reduce.js';
import { shaping } from './shape.js';
import { softmaxes } from './softmax.js';

/** Every operation has a gradient rule or states why it has none: a missing one does not compile. */
export const operations: Readonly<Record<OperationName, Operation>> = {
  ...elementwise,
  ...shaping,
  ...maps,
  ...reductions,
  ...linearAlgebra,
  ...convolutions,
  ...normalizations,
  ...softmaxes,
  ...positionBiases,
};

/** @throws Error when the table has no operation of this name. */
export function operationOf(name: string): Operation {
  if (!Object.hasOwn(operations, name)) throw new Error(`there is no operation called '${name}' in the table`);
  return operations[name as OperationName];
}
