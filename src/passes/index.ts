export { withHalfWeights } from './half-weights.js';
export { lower } from './lower.js';
export { forOpset } from './opset.js';
export { slopesOf, withSlopesAtMostOne } from './slopes.js';
