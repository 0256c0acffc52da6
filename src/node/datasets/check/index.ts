export * from './check.js';
export * from './shared-pictures.js';
export * from './verdict.js';
