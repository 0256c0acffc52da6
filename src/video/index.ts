export { type EncoderOptions, VideoWriter } from './encode.js';
export type { FfmpegPaths } from './ffmpeg.js';
export type { FindFacesOptions } from './find-faces.js';
export { openVideo, type TimedPicture, type Video, type VideoOptions } from './frames.js';
export * from './recognize-video.js';
export type { VideoSource } from './source.js';
export { type TrackSummary, VideoSummary, type VideoTotals } from './summary.js';
export { FaceTracker, type TrackedFace, type TrackerOptions } from './tracker.js';
