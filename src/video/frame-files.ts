import type { EncodedImage } from '../image/index.js';
import { decodeSource } from '../recognize/decode-source.js';
import { LocalEngine } from '../recognize/recognition-engine.js';
import type { Recognizer } from '../recognize/recognizer.js';
import type { RecognizeFramesOptions } from './frame-options.js';
import { followFrames, type TimedFrame, type VideoFrame } from './recognize-frames.js';

/** A frame as the file of a picture, such as a JPEG of a camera. */
export type TimedFile = TimedFrame<EncodedImage>;

/** A recognizer's engine that decodes and follows frames by itself, since its networks are in another thread. */
export interface FrameFilesEngine {
  /** As the function of that name. */
  recognizeFrameFiles(
    frames: AsyncIterable<TimedFile>,
    options: RecognizeFramesOptions,
  ): AsyncGenerator<PromiseSettledResult<VideoFrame>, void, void>;
}

const isFrameFilesEngine = (engine: object): engine is FrameFilesEngine => 'recognizeFrameFiles' in engine;

/**
 * As `recognizeFrames`, for frames that are files: they are decoded where the networks are.
 * @returns for a frame that cannot be decoded the `UserError` why, in its place; the next ones are followed on
 */
export function recognizeFrameFiles(
  recognizer: Recognizer,
  frames: AsyncIterable<TimedFile>,
  options: RecognizeFramesOptions = {},
): AsyncGenerator<PromiseSettledResult<VideoFrame>, void, void> {
  const { engine } = recognizer;
  const complete = { ...options, detect: { ...recognizer.detect, ...options.detect } };
  if (isFrameFilesEngine(engine)) return engine.recognizeFrameFiles(frames, complete);
  const decode = engine instanceof LocalEngine ? engine.decode : undefined;
  return followFrames(recognizer, frames, complete, async (file, request) => {
    const { picture } = await decodeSource(file, request, decode);
    return picture;
  });
}
