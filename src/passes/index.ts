export { withHalfWeights } from './half-weights.js';
export { withoutLastReshape } from './last-reshape.js';
export { lower } from './lower.js';
export { forOpset } from './opset.js';
export { slopesOf, withSlopesAtMostOne } from './slopes.js';
