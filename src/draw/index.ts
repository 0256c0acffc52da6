export { annotatedFace, annotatedFaces, annotateRecognition, type FaceToDraw } from './annotated-face.js';
export {
  type AnnotatedFace,
  type AnnotateOptions,
  type Annotation,
  annotate,
} from './annotation.js';
export { type HeatMap, heatLevels, heatPicture, lit } from './heat-picture.js';
export { heatRamp } from './ramp.js';
