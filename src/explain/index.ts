export type { AttentionMap, ClassTokenAttention, ScaleAttention, TokenWeights } from './attention-maps.js';
export * from './explain.js';
export { type ExplainedFace, type ExplainFacesOptions, explainFaces } from './explain-faces.js';
export * from './explanation-document.js';
export { explanationTensors } from './explanation-tensors.js';
