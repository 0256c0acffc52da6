export type { VideoOptions } from './decoding-plan.js';
export type { FfmpegPaths } from './ffmpeg.js';
export { openVideo, type TimedPicture, type Video } from './frames.js';
export { type RecognizeVideoOptions, recognizeVideo } from './recognize-video.js';
export type { VideoSource } from './video-source.js';
export { type EncoderOptions, VideoWriter } from './video-writer.js';
