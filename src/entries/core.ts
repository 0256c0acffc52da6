/// <reference lib="esnext.disposable" preserve="true" />
/**
 * `poster-v2/core`: the parts that everything else is made of, for networks and programs of your own, on any host. A part is a
 * namespace.
 */

export * as autodiff from '../autodiff/index.js';
export { type Advice, type ErrorKind, isOfKind, type Setting, UserError } from '../common/errors.js';
export * as detect from '../detect/index.js';
export * as explain from '../explain/index.js';
export * as graph from '../graph/index.js';
export * as image from '../image/index.js';
export * as learn from '../learn/index.js';
export * as metrics from '../metrics/index.js';
export * as models from '../models/index.js';
export * as nn from '../nn/index.js';
export * as onnx from '../onnx/index.js';
export * as ops from '../ops/index.js';
export * as optim from '../optim/index.js';
export * as passes from '../passes/index.js';
export * as recognize from '../recognize/index.js';
export * as runtime from '../runtime/index.js';
export * as safetensors from '../safetensors/index.js';
export * as train from '../train/index.js';
export * as video from '../video/index.js';
