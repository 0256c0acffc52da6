import { type FileHandle, open } from 'node:fs/promises';
import { stringify } from 'csv-stringify/sync';
import { jsonText } from '../../common/json-text.js';
import { explainFileError } from '../../node/files/files.js';
import { frameDocument, type VideoFrame, videoColumns, videoRows } from '../../video/index.js';
import { writeOut } from '../stdout.js';

/** Where frames go, one after the other. */
export interface FrameOutput {
  add(frame: VideoFrame): Promise<void>;
  /** What was added is kept. */
  end(): Promise<void>;
}

/** A line of JSON a frame, as it comes. @param write standard output */
export function jsonLines(video: string, write = writeOut): FrameOutput {
  return {
    add: (frame) => write(`${jsonText({ video, ...frameDocument(frame) })}\n`),
    end: async () => undefined,
  };
}

/**
 * A row for each face of each frame: `time`, `frame`, `track`, box, `expression`, `probability`, `p_<label>`, smoothed, and `low_contrast`. The
 * file grows as frames are done: what is in it stays, whatever happens.
 * @param target a file, or `-` for standard output
 * @throws UserError when it cannot be written.
 */
export async function csvTimeline(target: string, labels: readonly string[]): Promise<FrameOutput> {
  const file = target === '-' ? undefined : await opened(target);
  const put = async (rows: (string | number)[][]): Promise<void> => {
    if (rows.length === 0) return;
    const text = stringify(rows, { escape_formulas: true });
    if (file === undefined) return writeOut(text);
    try {
      await file.write(text);
    } catch (error) {
      throw explainFileError(error, 'write', target);
    }
  };
  await put([videoColumns(labels)]);
  return {
    add: (frame) => put(videoRows(frame, labels)),
    end: async () => {
      await file?.close();
    },
  };
}

async function opened(path: string): Promise<FileHandle> {
  try {
    return await open(path, 'w');
  } catch (error) {
    throw explainFileError(error, 'write', path);
  }
}
