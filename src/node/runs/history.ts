import { type FileHandle, open, readFile } from 'node:fs/promises';
import { UserError } from '../../common/errors.js';
import { explainFileError, writeFileAtomic } from '../files/files.js';

/** A line of `metrics.jsonl`: what happened, and its figures. Figures that are not finite are stored as null. */
export interface HistoryEvent {
  /** Such as `start`, `step`, `epoch`, `end`. */
  readonly event: string;
  readonly [figure: string]: unknown;
}

/** A history open for appending. Lines are in the order of the calls. */
export interface History {
  /** What was there when it was opened, and stayed. */
  readonly events: readonly HistoryEvent[];
  /** Appends a line; it survives the death of this process, but not yet of the machine. */
  append(event: HistoryEvent): Promise<void>;
  /** Appends a line and waits until all lines are on the disk: once an epoch. */
  commit(event: HistoryEvent): Promise<void>;
  close(): Promise<void>;
}

function isEvent(value: unknown): value is HistoryEvent {
  return typeof value === 'object' && value !== null && 'event' in value && typeof value.event === 'string';
}

function parseLine(line: string): HistoryEvent | undefined {
  try {
    const value: unknown = JSON.parse(line);
    return isEvent(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

/**
 * The events in the text of a history. A last line that is torn, as a crash while appending leaves it, is dropped.
 * @param source what to call it in errors
 * @throws UserError naming the line, for any other that is no event.
 */
export function parseHistory(text: string, source: string): HistoryEvent[] {
  const lines = text.split('\n');
  const events: HistoryEvent[] = [];
  for (const [index, line] of lines.entries()) {
    if (line.trim() === '') continue;
    const event = parseLine(line);
    // Only a line without its line break can be torn.
    if (event === undefined && index === lines.length - 1) break;
    if (event === undefined) {
      throw new UserError(`Line ${index + 1} of ${source} is not a training event: mend or remove that line.`);
    }
    events.push(event);
  }
  return events;
}

/**
 * Reads a history.
 * @throws UserError when it is missing, unreadable, or damaged anywhere but at its end.
 */
export async function readHistory(path: string): Promise<HistoryEvent[]> {
  try {
    return parseHistory(await readFile(path, 'utf8'), path);
  } catch (error) {
    throw explainFileError(error, 'read', path);
  }
}

const formatEvent = (event: HistoryEvent): string => `${JSON.stringify(event)}\n`;

/**
 * Opens a history for appending, starting an empty one where there is none.
 * @param keep which events of an existing file stay: a run resumed from an earlier step drops those it will repeat.
 * By default all stay; a torn last line goes in any case, so that what follows begins on a line of its own.
 * @throws UserError when the file is damaged or cannot be written.
 */
export async function openHistory(path: string, keep: (event: HistoryEvent) => boolean = () => true): Promise<History> {
  let text = '';
  try {
    text = await readFile(path, 'utf8');
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ENOENT')) {
      throw explainFileError(error, 'read', path);
    }
  }
  const events = parseHistory(text, path).filter(keep);
  const kept = events.map(formatEvent).join('');
  if (kept !== text) await writeFileAtomic(path, kept);
  let handle: FileHandle;
  try {
    handle = await open(path, 'a');
  } catch (error) {
    throw explainFileError(error, 'write', path);
  }
  // One call after the other, so that lines cannot change places; a failure is reported to its own caller only.
  let last: Promise<unknown> = Promise.resolve();
  const enqueue = (work: () => Promise<void>): Promise<void> => {
    const result = last.then(work).catch((error: unknown) => {
      throw explainFileError(error, 'write', path);
    });
    last = result.catch(() => undefined);
    return result;
  };
  const write = (event: HistoryEvent, sync: boolean): Promise<void> => {
    // Formatted at once: the caller may change its object afterwards.
    const line = formatEvent(event);
    return enqueue(async () => {
      const { size } = await handle.stat();
      try {
        await handle.appendFile(line);
        if (sync) await handle.sync();
      } catch (error) {
        // A disk that filled up half way through a line: the next line must not continue it.
        await handle.truncate(size).catch(() => undefined);
        throw error;
      }
    });
  };
  return {
    events,
    append: (event) => write(event, false),
    commit: (event) => write(event, true),
    close: () => enqueue(() => handle.close()),
  };
}
