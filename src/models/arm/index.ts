export * from './arm.js';
export { armFamily, armNetwork } from './definition.js';
