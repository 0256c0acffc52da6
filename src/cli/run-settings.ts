import { normalize, sep } from 'node:path';
import { defined } from '../common/defined.js';
import type { RunSettings } from '../node/report/index.js';
import { migrateRun, runSchema } from '../node/runs/options.js';

/**
 * A run's settings with the defaults of those that came after it was made, so that runs of two versions of this program
 * differ only where they were trained differently. Settings of another kind stay as they are.
 */
export function runSettings(stored: RunSettings): RunSettings {
  const parsed = runSchema.safeParse(migrateRun(stored));
  const { init } = stored;
  const settings: RunSettings = parsed.success ? { ...parsed.data, ...defined({ init }) } : stored;
  const { data } = settings;
  return typeof data === 'string' ? { ...settings, data: withoutEnd(normalize(data)) } : settings;
}

const withoutEnd = (path: string): string => (path.length > 1 && path.endsWith(sep) ? path.slice(0, -1) : path);
