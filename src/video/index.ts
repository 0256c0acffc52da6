export type { FindFacesOptions } from './frame-faces.js';
export { FrameFeed } from './frame-feed.js';
export * from './recognize-frames.js';
export { type TrackSummary, VideoSummary, type VideoTotals } from './summary.js';
export { FaceTracker, type TrackedFace, type TrackerOptions } from './tracker.js';
export * from './video-document.js';
export { VideoRecognizer, type VideoRecognizerOptions } from './video-recognizer.js';
export { videoColumns, videoRows } from './video-table.js';
