export * from './conversion.js';
export * from './convolution.js';
export * from './elementwise.js';
export * from './linear.js';
export * from './map.js';
export * from './normalization.js';
export {
  attributesOf,
  type Device,
  type GradientRule,
  type OnnxForm,
  type Operation,
  operand,
  type Target,
} from './operation.js';
export { relativePositionBias, relativePositionIndex } from './position-bias.js';
export * from './reduce.js';
export * from './shape.js';
export { type AttributeValues, declarations, type OperationName, operationNames } from './signatures.js';
export * from './softmax.js';
export { type Differentiable, operationOf, operations } from './table.js';
