import { readFile } from 'node:fs/promises';
import { z } from 'zod';
import type { Visit } from './visit.js';

/** Something that the main thread did without a pause. */
export interface Task {
  /** Of the processor. */
  readonly milliseconds: number;
  /** What took most of it. */
  readonly what: string;
}

const eventSchema = z.object({
  name: z.string(),
  ph: z.string(),
  pid: z.number(),
  tid: z.number(),
  ts: z.number().optional(),
  dur: z.number().optional(),
  tdur: z.number().optional(),
  args: z.record(z.string(), z.unknown()).optional(),
});
const traceSchema = z.object({ traceEvents: z.array(eventSchema) });
type TraceEvent = z.infer<typeof eventSchema>;

const isWithin = (one: TraceEvent, other: TraceEvent): boolean => {
  const [start, end] = [other.ts ?? 0, (other.ts ?? 0) + (other.dur ?? 0)];
  return one !== other && (one.ts ?? 0) >= start && (one.ts ?? 0) + (one.dur ?? 0) <= end;
};

/** The longest tasks of the page's main thread while something is done. */
export async function longestTask({ browser, page, folder }: Visit, work: () => Promise<void>): Promise<Task[]> {
  const path = `${folder}/trace.json`;
  await browser.startTracing(page, {
    path,
    categories: ['toplevel', 'devtools.timeline', 'disabled-by-default-devtools.timeline', 'v8', '__metadata'],
  });
  try {
    await work();
  } finally {
    await browser.stopTracing();
  }
  const { traceEvents } = traceSchema.parse(JSON.parse(await readFile(path, 'utf8')));
  const name = (event: TraceEvent): string => String(event.args?.['name'] ?? '');
  const mains = new Set(
    traceEvents
      .filter((event) => event.name === 'thread_name' && name(event) === 'CrRendererMain')
      .map(({ pid, tid }) => `${pid} ${tid}`),
  );
  const own = traceEvents.filter(({ ph, pid, tid }) => ph === 'X' && mains.has(`${pid} ${tid}`));
  // What steers the browser is no work of the page.
  const steering = own.filter((event) => JSON.stringify(event.args ?? {}).includes('DevToolsSession'));
  const tasks = own.filter((event) => event.name === 'RunTask' && !steering.some((one) => isWithin(one, event)));
  const length = ({ tdur, dur = 0 }: TraceEvent): number => (tdur ?? dur) / 1000;
  return tasks
    .toSorted((a, b) => length(b) - length(a))
    .slice(0, 4)
    .map((task) => {
      const inside = own
        .filter((one) => isWithin(one, task) && one.name !== 'RunTask')
        .toSorted((a, b) => length(b) - length(a))
        .slice(0, 4);
      return {
        milliseconds: length(task),
        what: inside
          .map((one) => `${one.name} ${length(one).toFixed(1)} ${JSON.stringify(one.args ?? {}).slice(0, 300)}`)
          .join(' > '),
      };
    });
}
