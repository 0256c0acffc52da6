import { readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { historyFileName } from '../runs/run-document.js';
import { epochImages, epochScalars, hyperparametersAtStart, settingsMarkdown } from './event-content.js';
import type { RunFolder } from './run-folder.js';
import { openEvents } from './tensorboard.js';

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
  const end = (await stat(join(run.path, historyFileName))).mtimeMs / 1000;
  let time = run.epochs.reduce((rest, { seconds }) => rest - (seconds ?? 0), end);
  for (const name of await readdir(folder).catch(() => [])) {
    // Those of an earlier report, or TensorBoard would draw every point twice.
    if (name.startsWith('events.out.tfevents.') && name.includes(`.${maker}.`)) await rm(join(folder, name));
  }
  const events = openEvents(folder, { wallTime: Math.max(0, time), maker });
  try {
    if (Object.keys(run.settings).length > 0) {
      events.text('configuration', settingsMarkdown(run.settings));
      const { tag, name, content } = hyperparametersAtStart(run.settings, time);
      events.plugin(tag, name, content);
    }
    for (const epoch of run.epochs) {
      time += epoch.seconds ?? 0;
      const { confusion, calibration } = epoch;
      const images =
        epoch === run.best && confusion !== undefined && calibration !== undefined
          ? await epochImages(confusion, calibration, run.labels ?? [], `epoch ${epoch.epoch}`)
          : {};
      events.scalars(epoch.step, { ...epochScalars(epoch), learning_rate: epoch.lr }, time, images);
    }
  } finally {
    events.close();
  }
  return events.path;
}
