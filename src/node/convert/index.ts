export * from './convert.js';
export { readSource, type Source } from './source.js';
