export * from './backend.js';
export * from './cpu.js';
export * from './device.js';
export * from './host-tensor.js';
export * from './webgpu.js';
