// Every network that there is: a line for each.
export { armFamily } from './arm/definition.js';
export { ir50Family, mobileFaceNetFamily } from './baselines/baselines.js';
export { posterV1Family } from './poster-v1/definition.js';
export { posterV2Family } from './poster-v2/definition.js';
export { resnetFamily } from './resnet/resnet.js';
