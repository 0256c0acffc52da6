export { type CameraOptions, openCamera } from './open-camera.js';
export { type RecognizeVideoOptions, recognizeVideo, type VideoSource } from './recognize-video.js';
