export * from './check.js';
export * from './shared.js';
export * from './verdict.js';
