export * from './explanation.js';
export * from './ir50.js';
export * from './mobile-face-net.js';
export * from './poster-v2.js';
export * from './poster-v2-config.js';
export * from './profile.js';
export * from './published.js';
export * from './registry.js';
