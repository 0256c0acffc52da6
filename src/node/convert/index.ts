export * from './convert.js';
export { type OnnxOptions, type OnnxSource, toOnnx } from './onnx.js';
export { readSource, type Source } from './source.js';
