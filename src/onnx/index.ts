export * from './write.js';
