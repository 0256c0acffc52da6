// Nodes of a graph, one by one, as actions or as views of what is there already.

import { itemAt } from '../common/item-at.js';
import type { Node, Value } from '../graph/index.js';
import { attributesOf } from '../ops/index.js';
import { inputOf } from './constants.js';
import { activation, copy, elementwise, reshape } from './emit-elements.js';
import { softmax } from './emit-rows.js';
import type { activations, binaryOperations } from './graph-kernels.js';
import type { MemoryPlanner } from './memory-planner.js';
import { UnsupportedError } from './unsupported.js';
import {
  broadcastTo,
  channelsLastView,
  isChannelsLast,
  rowAlignedView,
  sliced,
  transposed,
  type View,
} from './views.js';

/** What the output of a node is made from. */
export interface NodeInput {
  readonly planner: MemoryPlanner;
  readonly node: Node;
  /** Of the output. */
  readonly dims: readonly number[];
  /** The first input. */
  readonly x: View;
  view(value: Value): View;
}

type Emit = (input: NodeInput) => View;

const binary =
  (name: keyof typeof binaryOperations): Emit =>
  ({ planner, node, dims, x, view }) => {
    const other = view(inputOf(node, 1));
    const out = isChannelsLast(x) || isChannelsLast(other) ? channelsLastView(dims) : rowAlignedView(dims);
    elementwise(planner, name, out, broadcastTo(x, dims), broadcastTo(other, dims));
    return out;
  };

const activated =
  (name: keyof typeof activations): Emit =>
  ({ planner, x }) =>
    activation(planner, name, x);

/** What is done for each operation: those that have no entry are not known. */
export const nodeEmitters: ReadonlyMap<string, Emit> = new Map<string, Emit>([
  ['Reshape', ({ planner, dims, x }) => reshape(planner, x, dims)],
  ['Transpose', ({ node, x }) => transposed(x, attributesOf('Transpose', node).perm)],
  [
    'Slice',
    ({ node, dims, x }) => {
      const { axis, start, step } = attributesOf('Slice', node);
      return sliced(x, axis, start, itemAt(dims, axis), step);
    },
  ],
  [
    'Subsample',
    ({ node, dims, x }) => {
      const { strides } = attributesOf('Subsample', node);
      return [0, 1].reduce((view, i) => sliced(view, 2 + i, 0, itemAt(dims, 2 + i), itemAt(strides, i)), x);
    },
  ],
  ['ExpandAs', ({ dims, x }) => broadcastTo(x, dims)],
  ['Concat', concat],
  ['Add', binary('Add')],
  ['Sub', binary('Sub')],
  ['Mul', binary('Mul')],
  [
    'Softmax',
    ({ planner, node, dims, x }) => {
      if (attributesOf('Softmax', node).axis !== dims.length - 1) throw new UnsupportedError('Softmax of another axis');
      return softmax(planner, x);
    },
  ],
  ['Relu', activated('Relu')],
  ['Sigmoid', activated('Sigmoid')],
  ['Gelu', activated('Gelu')],
]);

function concat({ planner, node, dims, view }: NodeInput): View {
  const { axis } = attributesOf('Concat', node);
  const out = rowAlignedView(dims);
  let start = 0;
  node.inputs.forEach((_, index) => {
    const part = view(inputOf(node, index));
    const size = itemAt(part.dims, axis);
    copy(planner, part, sliced(out, axis, start, size));
    start += size;
  });
  return out;
}
