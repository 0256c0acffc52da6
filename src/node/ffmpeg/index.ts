export type { FfmpegPaths } from './ffmpeg.js';
export { openVideo, type TimedPicture, type Video, type VideoOptions } from './frames.js';
export { type RecognizeVideoOptions, recognizeVideo } from './recognize-video.js';
export type { VideoSource } from './video-source.js';
export { type EncoderOptions, VideoWriter } from './video-writer.js';
