export * from './augment.js';
export * from './contrast.js';
export * from './frame-count.js';
export * from './picture-limits.js';
export * from './resize.js';
