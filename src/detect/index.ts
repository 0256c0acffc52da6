export { cropTemplateFor, ferPlusCrop, rafDbCrop } from '../common/crop-templates.js';
export { type CropTemplate, type KeypointName, keypointNames } from '../common/preprocessing.js';
export * from './align.js';
export { intersectionOverUnion } from './candidates.js';
export * from './detector.js';
export type { Box, Face, Keypoints, Point } from './face.js';
export { centreOf, moved, stretched } from './place.js';
export { type Similarity, transformed } from './similarity.js';
export { type Border, crop, warp } from './warp.js';
