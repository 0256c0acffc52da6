import { defined } from '../common/defined.js';
import { elements, type Graph, type Value } from '../graph/index.js';
import { type WriteOptions, writeOnnx } from '../onnx/index.js';

/** Elements of a value for one picture, up to which the runtime is told its shape. */
const mostElements = 16_384;

/**
 * A graph as a session on the CPU or on CUDA loads it. ONNX Runtime infers shapes itself, but loses the batch dimension at reshapes.
 * When it plans memory, it compares each value whose batch dimension it lost with all values that are no longer needed. In graphs of
 * gradients, that takes longer than the rest of loading. A value of a known shape gets memory of the same shape at once. That memory
 * is reserved until then, however. So shapes of large maps are left out: with them, training takes a tenth more memory.
 */
export function writeSessionModel(program: Graph, { placement }: Pick<WriteOptions, 'placement'>): Uint8Array {
  return writeOnnx(program, { hasValueInfo: isSmall, ...defined({ placement }) });
}

const isSmall = ({ shape }: Value): boolean => elements(shape) <= mostElements;
