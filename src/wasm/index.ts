export { KernelNetwork } from './kernel-network.js';
export { createKernels } from './kernels.js';
