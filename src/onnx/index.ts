export * from './any-size.js';
export * from './write.js';
