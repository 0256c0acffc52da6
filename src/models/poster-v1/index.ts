export { posterV1Family, posterV1Network } from './definition.js';
export * from './poster-v1.js';
export * from './poster-v1-config.js';
export type { FusionConfig } from './pyramid-fusion.js';
