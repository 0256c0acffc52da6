export * from './augment.js';
export * from './augmentation.js';
export type { Batch } from './batch.js';
export * from './contrast.js';
export { type Corruption, type CorruptionContext, corruptible, corruptions } from './corruptions.js';
export * from './frame-count.js';
export * from './gaussian-blur.js';
export type {
  DecodedImage,
  DecodeRequest,
  EncodedImage,
  ImageDecoder,
  ImageSource,
  PictureObject,
  RawImage,
} from './image-source.js';
export { type InputConversion, inputConversion } from './input-conversion.js';
export * from './input-format.js';
export * from './jpeg-loss.js';
export * from './mix.js';
export * from './picture-limits.js';
export * from './resize.js';
