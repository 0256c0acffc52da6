import { readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { RunFolder } from './run-folder.js';
import { epochScalars, openEvents, settingsMarkdown } from './tensorboard.js';

const maker = 'poster-report';

/** Whether TensorBoard finds something of training in a folder. */
export async function hasEvents(folder: string): Promise<boolean> {
  return (await readdir(folder).catch(() => [])).some((name) => name.includes('tfevents'));
}

/**
 * Writes what `metrics.jsonl` tells as an event file for TensorBoard. Times of day follow from the epochs' durations and
 * the end of the history, which does not tell them. @returns the file's path
 * @throws UserError when it cannot be written.
 */
export async function writeEvents(run: RunFolder, folder: string): Promise<string> {
  const end = (await stat(join(run.path, 'metrics.jsonl'))).mtimeMs / 1000;
  let time = run.epochs.reduce((rest, { seconds }) => rest - (seconds ?? 0), end);
  for (const name of await readdir(folder).catch(() => [])) {
    // Those of an earlier report, or TensorBoard would draw every point twice.
    if (name.startsWith('events.out.tfevents.') && name.includes(`.${maker}.`)) await rm(join(folder, name));
  }
  const events = openEvents(folder, { wallTime: Math.max(0, time), maker });
  try {
    if (Object.keys(run.settings).length > 0) events.text('configuration', settingsMarkdown(run.settings));
    for (const epoch of run.epochs) {
      time += epoch.seconds ?? 0;
      events.scalars(epoch.step, { ...epochScalars(epoch), learning_rate: epoch.lr }, time);
    }
  } finally {
    events.close();
  }
  return events.path;
}
