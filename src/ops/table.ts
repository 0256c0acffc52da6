import { conversions } from './conversion.js';
import { convolutions } from './convolution.js';
import { elementwise } from './elementwise.js';
import { linearAlgebra } from './linear.js';
import { maps } from './map.js';
import { normalizations } from './normalization.js';
import type { Operation } from './operation.js';
import { positionBiases } from './position-bias.js';
import { reductions } from './reduce.js';
import { shaping } from './shape.js';
import type { OperationName } from './signatures.js';
import { softmaxes } from './softmax.js';

/** Every operation has a gradient rule or states why it has none: a missing one does not compile. */
const table = {
  ...elementwise,
  ...conversions,
  ...shaping,
  ...maps,
  ...reductions,
  ...linearAlgebra,
  ...convolutions,
  ...normalizations,
  ...softmaxes,
  ...positionBiases,
} satisfies Readonly<Record<OperationName, Operation>>;

export const operations: Readonly<Record<OperationName, Operation>> = table;

/** The operations that have a gradient rule. */
export type Differentiable = {
  [Op in OperationName]: (typeof table)[Op]['gradient'] extends (...context: never[]) => unknown ? Op : never;
}[OperationName];

/** @throws Error when the table has no operation of this name. */
export function operationOf(name: string): Operation {
  if (!isOperation(name)) throw new Error(`there is no operation called '${name}' in the table`);
  return operations[name];
}

function isOperation(name: string): name is OperationName {
  return Object.hasOwn(operations, name);
}
