export * from './clip.js';
export * from './ema.js';
export * from './flat-layout.js';
export * from './optimizer.js';
export * from './sam.js';
export * from './schedule.js';
export * from './state.js';
export * from './update-graph.js';
