export type { FfmpegPaths } from './ffmpeg.js';
export type { FindFacesOptions } from './find-faces.js';
export { openVideo, type TimedPicture, type Video, type VideoOptions } from './frames.js';
export * from './recognize-video.js';
export type { VideoSource } from './source.js';
export { FaceTracker, type TrackedFace, type TrackerOptions } from './tracker.js';
