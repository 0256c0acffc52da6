export * from './ir50.js';
export * from './mobile-face-net.js';
