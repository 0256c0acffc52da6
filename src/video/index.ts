export { type EncoderOptions, VideoWriter } from '../node/ffmpeg/encode.js';
export type { FfmpegPaths } from '../node/ffmpeg/ffmpeg.js';
export { openVideo, type TimedPicture, type Video, type VideoOptions } from '../node/ffmpeg/frames.js';
export type { VideoSource } from '../node/ffmpeg/source.js';
export type { FindFacesOptions } from './find-faces.js';
export * from './recognize-video.js';
export { type TrackSummary, VideoSummary, type VideoTotals } from './summary.js';
export { FaceTracker, type TrackedFace, type TrackerOptions } from './tracker.js';
