export { posterV2Family, posterV2Network } from './definition.js';
export * from './ir50.js';
export * from './landmark-detector.js';
export * from './mobile-face-net.js';
export * from './poster-v2.js';
export * from './poster-v2-config.js';
export * from './published.js';
