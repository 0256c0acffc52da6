export { FrameFeed } from './frame-feed.js';
export type { FindFacesOptions, RecognizeFramesOptions, TrackerOptions } from './frame-options.js';
export {
  defaultMaxSide,
  type FrameEngine,
  recognizeFrames,
  type SmoothedScore,
  type TimedFrame,
  type TimedImage,
  type VideoFace,
  type VideoFrame,
} from './recognize-frames.js';
export { type TrackSummary, VideoSummary, type VideoTotals } from './summary.js';
export { FaceTracker, type TrackedFace } from './tracker.js';
export * from './video-document.js';
export { VideoRecognizer, type VideoRecognizerOptions } from './video-recognizer.js';
export { videoColumns, videoRows } from './video-table.js';
