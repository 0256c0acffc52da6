export * from './axes.js';
export * from './dim.js';
export * from './graph.js';
export * from './value.js';
