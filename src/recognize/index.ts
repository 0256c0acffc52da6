export type {
  DecodedImage,
  DecodeRequest,
  EncodedImage,
  ImageDecoder,
  ImageSource,
  RawImage,
} from '../image/image-source.js';
export * from './classifier.js';
export * from './crop-classifier.js';
export * from './face-crops.js';
export * from './face-landmarks.js';
export * from './flip.js';
export * from './image-classification.js';
export * from './landmarks.js';
export { describeCheckpoint, type NetworkOptions } from './network.js';
export * from './pictures.js';
export { expressed, type RecognizeOptions, type RecognizerParts, recognizeAll } from './pipeline.js';
export * from './predict.js';
export type { Recognition, RecognizedFace } from './recognition.js';
export * from './recognition-document.js';
export type { ImageList, RecognitionEngine, RecognizeFacesOptions } from './recognition-engine.js';
export * from './recognizer.js';
export * from './scores.js';
