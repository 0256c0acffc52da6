import { readdir, readFile, stat } from 'node:fs/promises';
import { basename, join, normalize, resolve } from 'node:path';
import * as z from 'zod';
import { UserError } from '../../common/errors.js';
import { describeZodError, parseJson } from '../../common/json.js';
import { readDescription } from '../checkpoints/index.js';
import { checkPath } from '../files/check-path.js';
import { explainFileError } from '../files/files.js';
import { epochSchema, type RunEpoch } from '../runs/epoch-line.js';
import { type HistoryEvent, parseHistory } from '../runs/index.js';
import { bestFileName, historyFileName, type RunFile, runFileName, runFileSchema } from '../runs/run-document.js';

export type { RunEpoch };

/** What decides a run's results, by name. */
export type RunSettings = Readonly<Record<string, unknown>>;

/** A setting; undefined where the run has none of that name, also where all objects have such a property. */
export const settingNamed = (settings: RunSettings, name: string): unknown =>
  Object.hasOwn(settings, name) ? settings[name] : undefined;

/** A run as its folder tells it. */
export interface RunFolder {
  /** The folder. */
  readonly path: string;
  /** The folder's own name. */
  readonly name: string;
  /** Empty where nothing tells them; `init` is there where files gave first values. */
  readonly settings: RunSettings;
  /** In index order; undefined where nothing tells them. */
  readonly labels: readonly string[] | undefined;
  /** What trained and validated, in words. */
  readonly dataset: string | undefined;
  readonly pictures: RunFile['pictures'];
  /** Starts and resumptions. */
  readonly sessions: NonNullable<RunFile['sessions']>;
  /** Those finished, in order. */
  readonly epochs: readonly RunEpoch[];
  /** The last epoch that was best: the one of `best.safetensors`. */
  readonly best: RunEpoch | undefined;
  /** How many epochs the run is to have; undefined where nothing tells it. */
  readonly planned: number | undefined;
  readonly bestCheckpoint: string;
}

/**
 * Reads the folder of a run, which may still be going on: an unfinished last line of its history is left out.
 * @throws UserError where the folder is no run, or its files are damaged.
 */
export async function readRun(path: string): Promise<RunFolder> {
  checkPath(path, 'The folder of the run');
  const history = join(path, historyFileName);
  const text = await readOptional(history);
  if (text === undefined) throw await notARun(path);
  const events = parseHistory(text, history);
  const runFile = join(path, runFileName);
  const document = await readOptional(runFile);
  const file = document === undefined ? undefined : parseJson(document, runFileSchema, runFile);
  const bestCheckpoint = join(path, bestFileName);
  const labels = file?.labels.labels ?? (await labelsOf(bestCheckpoint));
  const settings = file === undefined ? settingsOf(events) : { ...file.run, ...initOf(file) };
  const epochs = epochsOf(events, history);
  const classes = labels?.length ?? epochs.find(({ confusion }) => confusion)?.confusion?.length;
  for (const { epoch, confusion } of epochs) {
    if (confusion !== undefined && confusion.length !== classes) {
      throw new UserError(
        `${history} tells of ${confusion.length} classes in epoch ${epoch}, and the run has ${classes}: its files do not belong together.`,
      );
    }
  }
  const planned = z.int().min(1).safeParse(settings['epochs']);
  return {
    path,
    name: basename(resolve(path)),
    settings,
    labels,
    dataset: file?.dataset,
    pictures: file?.pictures,
    sessions: file?.sessions ?? [],
    epochs,
    best: epochs.findLast(({ best }) => best),
    planned: planned.success ? planned.data : undefined,
    bestCheckpoint,
  };
}

/** As the option says it: `weights.pth`, `ir50=backbone.pth`. */
function initOf({ init = [] }: RunFile): RunSettings {
  if (init.length === 0) return {};
  const sources = init.map(({ part, path }) => (part === 'network' ? normalize(path) : `${part}=${normalize(path)}`));
  return { init: sources.join(' ') };
}

async function readOptional(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    if (error instanceof Error && 'code' in error && (error.code === 'ENOENT' || error.code === 'ENOTDIR')) {
      return undefined;
    }
    throw explainFileError(error, 'read', path);
  }
}

async function notARun(path: string): Promise<UserError> {
  const found = await stat(path).catch(() => undefined);
  const why =
    found === undefined ? 'there is no such folder' : found.isDirectory() ? 'it has no metrics.jsonl' : 'it is a file';
  const inside = found?.isDirectory() === true ? await runWithin(path) : undefined;
  const give = inside === undefined ? 'give the folder of a run' : `give one of the runs in it: ${inside}`;
  return new UserError(`${path} is not a run: ${why}; ${give}.`);
}

/** A run in one of a folder's folders, as those of a cross-validation are. */
async function runWithin(path: string): Promise<string | undefined> {
  for (const name of (await readdir(path).catch(() => [])).sort()) {
    const inside = join(path, name);
    if ((await stat(join(inside, historyFileName)).catch(() => undefined)) !== undefined) return inside;
  }
  return undefined;
}

/** Of runs without `run.json`: what their history began with, or was last resumed with. */
function settingsOf(events: readonly HistoryEvent[]): RunSettings {
  const last = events.findLast(({ event }) => event === 'start' || event === 'resume');
  const parsed = runFileSchema.shape.run.safeParse(last?.['run']);
  return parsed.success ? parsed.data : {};
}

/** What a checkpoint calls its classes; nothing where there is none yet. */
async function labelsOf(checkpoint: string): Promise<readonly string[] | undefined> {
  const found = await stat(checkpoint).catch(() => undefined);
  return found === undefined ? undefined : (await readDescription(checkpoint)).labels.labels;
}

/**
 * The epochs among the lines of a history, in order.
 * @throws UserError for one that cannot be used, naming `source`
 */
export function epochsOf(events: readonly HistoryEvent[], source: string): RunEpoch[] {
  const epochs = new Map<number, RunEpoch>();
  for (const event of events) {
    if (event.event !== 'epoch') continue;
    const parsed = epochSchema.safeParse(event);
    if (!parsed.success) {
      throw new UserError(`An epoch in ${source} cannot be used: ${describeZodError(parsed.error)}.`);
    }
    // An epoch told twice, by a run that was resumed from before it: the later one counts.
    epochs.set(parsed.data.epoch, parsed.data);
  }
  return [...epochs.values()].sort((a, b) => a.epoch - b.epoch);
}
