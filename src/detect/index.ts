export * from './align.js';
export * from './detector.js';
export type { Box, Face, Keypoints, Point } from './face.js';
export { type Similarity, transformed } from './similarity.js';
export { type Border, crop, warp } from './warp.js';
