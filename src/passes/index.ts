export { withHalfWeights } from './half-weights.js';
export { withoutLastReshape } from './last-reshape.js';
export { lower } from './lower.js';
export { forOpset } from './opset.js';
export { slopesOf, withoutPRelus, withSlopesAtMostOne } from './slopes.js';
