export type { AttentionMap, ClassTokenAttention, ScaleAttention, TokenWeights } from './attention-maps.js';
export * from './bundled.js';
export * from './classifier.js';
export * from './evaluate.js';
export * from './explain.js';
export type { NetworkOptions } from './network.js';
export * from './pictures.js';
export * from './predict.js';
