export * from './ir50.js';
export * from './landmark-branch.js';
export * from './mobile-face-net.js';
