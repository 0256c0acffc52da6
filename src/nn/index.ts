export * from './attention.js';
export * from './initialize.js';
export * from './initializer.js';
export * from './layers.js';
export * from './scope.js';
export * from './window-attention.js';
