export * from './backend.js';
export * from './cpu.js';
export * from './tensor.js';
