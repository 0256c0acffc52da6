export { createGraphKernels, type GraphKernels } from './graph-kernels.js';
export { KernelGraph } from './kernel-graph.js';
export { KernelNetwork } from './kernel-network.js';
export { createKernels } from './kernels.js';
export { requireKnownOperations } from './supported.js';
export { UnsupportedError } from './unsupported.js';
