/// <reference lib="dom" preserve="true" />
/// <reference lib="esnext.disposable" preserve="true" />
/** `poster-v2` in browsers: faces and their expressions in pictures. */

export { type Advice, type ErrorKind, isOfKind, type Setting, UserError } from '../common/errors.js';
export type { FileSource } from '../common/file-source.js';
export type { LabelSet } from '../common/labels.js';
export type { Box, DetectOptions, Face, Keypoints, Point } from '../detect/index.js';
export type {
  DecodedImage,
  DecodeRequest,
  EncodedImage,
  ImageDecoder,
  ImageSource,
  LowContrast,
  Picture,
  RawImage,
} from '../image/index.js';
export {
  type Recognition,
  type RecognizedFace,
  type RecognizeOptions,
  Recognizer,
  type RecognizerOptions,
  type Score,
} from '../recognize/index.js';
