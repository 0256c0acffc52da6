import { jsonText } from '../../common/json-text.js';
import type { Recognizer } from '../../recognize/index.js';
import { note, noteLines, writeText } from '../context.js';
import { ExitCode } from '../exit-code.js';
import { writeOut } from '../stdout.js';

/** Where frames and sentences are told while a video is looked at. */
export interface VideoTeller {
  line(text: string): Promise<void>;
  note(sentence: string): void;
}

/** What came of a video, or why nothing did. */
export type VideoResult =
  | {
      readonly video: string;
      readonly fps: number;
      /** As `videoDocument`. */
      readonly document: object;
      /** As text. */
      readonly summary: string;
      /** Why it ended before its end, or a file of it is missing; and the exit code that fits. */
      readonly failure?: { readonly reason: string; readonly code: number };
    }
  | { readonly video: string; readonly failed: string };

/**
 * Tells what came of videos, one by one or at the end, and sets the exit code. Whatever ends it, what was done is told. In the end
 * it disposes of the recognizer.
 * @param lines whether frames are printed as lines
 */
export async function tellVideos(
  results: AsyncIterable<VideoResult>,
  recognizer: Recognizer,
  options: { readonly checkpoint: string; readonly json?: boolean; readonly csv?: string },
  lines: boolean,
  stop: { readonly isStopped: () => boolean; readonly release: () => void },
): Promise<void> {
  const json = options.json === true;
  const videos: object[] = [];
  const failed: { video: string; reason: string }[] = [];
  let written = false;
  let fatal: { readonly error: unknown } | undefined;
  let failedWith: number = ExitCode.input;
  try {
    for await (const result of results) {
      const { video } = result;
      if ('failed' in result) {
        failed.push({ video, reason: result.failed });
        continue;
      }
      const { fps, document, summary, failure } = result;
      videos.push({ video, fps, ...document });
      if (failure !== undefined) {
        failed.push({ video, reason: failure.reason });
        failedWith = failure.code;
      }
      if (json) continue;
      // Lines and rows for programs stay by themselves.
      if (lines || options.csv === '-') noteLines(summary);
      else await writeText(`${written ? '\n' : ''}${summary}\n`);
      written = true;
    }
  } catch (error) {
    fatal = { error };
  } finally {
    stop.release();
    await recognizer.dispose();
  }
  const interrupted = stop.isStopped();
  // What was done before something went wrong for good is told all the same.
  if (json && (fatal === undefined || videos.length > 0)) {
    const { model, labels } = recognizer.classifier.description;
    const document = { checkpoint: options.checkpoint, model: model.name, labels, videos, failed };
    await writeOut(`${jsonText({ ...document, ...(interrupted ? { interrupted } : {}) }, 2)}\n`);
  }
  if (fatal !== undefined) throw fatal.error;
  if (interrupted) note('Stopped; what was done until then is complete.');
  if (failed.length > 0) process.exitCode = failedWith;
  if (interrupted) process.exitCode = ExitCode.interrupted;
}
