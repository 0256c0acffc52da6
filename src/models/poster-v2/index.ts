export { posterV2Family, posterV2Network } from './definition.js';
export * from './landmark-detector.js';
export * from './poster-v2.js';
export * from './poster-v2-config.js';
export * from './published.js';
