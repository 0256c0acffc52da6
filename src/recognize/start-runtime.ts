import { defined } from '../common/defined.js';
import { graph, input } from '../graph/index.js';
import { relu } from '../ops/index.js';
import { CpuSession } from '../runtime/index.js';

/**
 * Starts ONNX Runtime while weights still come: it reads and compiles its program when the first session is made, so one is made of
 * nothing. What keeps it from starting is told where a network is loaded.
 */
export function startRuntime(threads: number | undefined): void {
  CpuSession.create(graph({ y: relu(input('x', 'float32', [1])) }), defined({ threads }))
    .then((session) => session.dispose())
    .catch(() => undefined);
}
