export * from './bar.js';
export * from './table.js';
