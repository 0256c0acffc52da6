export type { FindFacesOptions } from './frame-faces.js';
export * from './recognize-frames.js';
export { type TrackSummary, VideoSummary, type VideoTotals } from './summary.js';
export { FaceTracker, type TrackedFace, type TrackerOptions } from './tracker.js';
export * from './video-document.js';
