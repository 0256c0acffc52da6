/// <reference lib="esnext.disposable" preserve="true" />
/** What `poster-v2` has on every host: faces and their expressions in pictures, and what a network looks at. */

export { cropTemplateFor } from '../common/crop-templates.js';
export { type Advice, type ErrorKind, isOfKind, type Setting, UserError } from '../common/errors.js';
export type { FileSource } from '../common/file-source.js';
export { inkOn, labelColours } from '../common/label-colours.js';
export {
  affectnet7,
  affectnet8,
  caers,
  fer2013,
  ferplus,
  knownLabelSets,
  labelSetNamed,
  rafdb,
} from '../common/label-sets.js';
export type { LabelSet } from '../common/labels.js';
export type { LoadProgress, ProgressOptions } from '../common/load-progress.js';
export type { CropTemplate, KeypointName, Preprocessing } from '../common/preprocessing.js';
export {
  alignFace,
  type Box,
  type DetectOptions,
  type DetectorOptions,
  type Face,
  type FaceDetector,
  type Keypoints,
  loadFaceDetector,
  type Point,
} from '../detect/index.js';
export { type Annotation, annotateRecognition, type HeatMap, heatPicture } from '../draw/index.js';
export {
  type AttentionMap,
  type ClassTokenAttention,
  type ExplainedFace,
  type Explainer,
  type ExplainFacesOptions,
  type Explanation,
  type ExplanationDocument,
  explain,
  explainFaces,
  explanationDocument,
  loadExplainer,
  type ScaleAttention,
  type TokenWeights,
} from '../explain/index.js';
export type {
  DecodedImage,
  DecodeRequest,
  EncodedImage,
  ImageDecoder,
  ImageSource,
  LowContrast,
  Picture,
  PictureObject,
  RawImage,
} from '../image/index.js';
export type { AssumedModel } from '../models/index.js';
export {
  type Classified,
  type Classifier,
  type ClassifierOptions,
  type ClassifyImageOptions,
  type CropDocument,
  cropDocument,
  describeCheckpoint,
  detectLandmarks,
  type FaceDocument,
  type FaceLandmarks,
  type FacesTable,
  type FailedPicture,
  facesTable,
  type ImageClassification,
  type ImageClassificationPipeline,
  imageClassification,
  type LandmarkDetector,
  type LandmarkInput,
  loadClassifier,
  loadLandmarkDetector,
  type NamedRecognition,
  type NetworkOptions,
  type PictureLandmarks,
  type PredictionsDocument,
  type PredictionsHead,
  predictionsDocument,
  type Recognition,
  type RecognitionDocument,
  type RecognizedFace,
  type RecognizeOptions,
  Recognizer,
  type RecognizerOptions,
  recognitionDocument,
  type Score,
} from '../recognize/index.js';
export type { DeviceName } from '../runtime/index.js';
export {
  type FrameDocument,
  frameDocument,
  type RecognizeFramesOptions,
  recognizeFrames,
  type SmoothedScore,
  type TimedImage,
  type TrackSummary,
  type VideoDocument,
  type VideoFace,
  type VideoFrame,
  VideoRecognizer,
  type VideoRecognizerOptions,
  VideoSummary,
  type VideoTotals,
  videoColumns,
  videoDocument,
  videoRows,
} from '../video/index.js';
