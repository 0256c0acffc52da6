export * from './backend.js';
export * from './cpu.js';
export * from './device.js';
export * from './tensor.js';
export * from './webgpu.js';
