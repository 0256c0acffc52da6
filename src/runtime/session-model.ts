import { defined } from '../common/defined.js';
import { elements, type Graph, type Value } from '../graph/index.js';
import { type WriteOptions, writeOnnx } from '../onnx/index.js';

/** Elements of a value for one picture, up to which the runtime is told its shape. */
const mostElements = 16_384;

/**
 * A graph as ONNX Runtime loads it soonest. It infers shapes itself, but loses the batch dimension at reshapes. When it plans memory,
 * it compares a value whose shape it does not know with all values that are no longer needed. In graphs of gradients, that takes
 * longer than all else in which it loads them. A known shape finds memory of the same shape at once. That memory is kept
 * for it, however, so the shapes of large maps are left out: with those, training takes a tenth more memory.
 */
export function writeSessionModel(program: Graph, { placement }: Pick<WriteOptions, 'placement'>): Uint8Array {
  return writeOnnx(program, { hasValueInfo: isSmall, ...defined({ placement }) });
}

const isSmall = ({ shape }: Value): boolean => elements(shape) <= mostElements;
