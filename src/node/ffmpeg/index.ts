export { type EncoderOptions, VideoWriter } from './encode.js';
export type { FfmpegPaths } from './ffmpeg.js';
export { openVideo, type TimedPicture, type Video, type VideoOptions } from './frames.js';
export type { VideoSource } from './source.js';
