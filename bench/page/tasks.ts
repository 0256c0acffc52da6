import type { Browser, Page } from 'playwright-core';
import { z } from 'zod';

/** Something that the page's main thread did without a pause. */
export interface Task {
  /** Of the processor: what else the machine does is not counted. */
  readonly milliseconds: number;
  /** What took most of it, as the browser's trace names it. */
  readonly what: string;
}

const eventSchema = z.object({
  name: z.string(),
  ph: z.string(),
  pid: z.number(),
  tid: z.number(),
  ts: z.number().default(0),
  dur: z.number().default(0),
  tdur: z.number().optional(),
  args: z.record(z.string(), z.unknown()).default({}),
});
const traceSchema = z.object({ traceEvents: z.array(eventSchema) });
type TraceEvent = z.infer<typeof eventSchema>;

const categories = ['toplevel', 'devtools.timeline', 'disabled-by-default-devtools.timeline', '__metadata'];
/** Tasks that are told, and parts of each. */
const most = 3;

/** Does something, and gives the longest tasks of the page's main thread meanwhile. */
export async function longestTasks<T>(
  { browser, page }: { readonly browser: Browser; readonly page: Page },
  work: () => Promise<T>,
): Promise<{ readonly result: T; readonly tasks: readonly Task[] }> {
  await browser.startTracing(page, { categories });
  let trace: Buffer | undefined;
  try {
    const result = await work();
    trace = await browser.stopTracing();
    return { result, tasks: tasksOf(traceSchema.parse(JSON.parse(trace.toString())).traceEvents) };
  } finally {
    if (trace === undefined) await browser.stopTracing().catch(() => undefined);
  }
}

function tasksOf(events: readonly TraceEvent[]): Task[] {
  const mains = new Set(
    events
      .filter(({ name, args }) => name === 'thread_name' && args['name'] === 'CrRendererMain')
      .map(({ pid, tid }) => `${pid} ${tid}`),
  );
  const own = events.filter(({ ph, pid, tid }) => ph === 'X' && mains.has(`${pid} ${tid}`));
  // What steers the browser is no work of the page.
  const steering = own.filter(({ args }) => JSON.stringify(args).includes('DevToolsSession'));
  return own
    .filter((event) => event.name === 'RunTask' && !steering.some((one) => isWithin(one, event)))
    .toSorted(byLength)
    .slice(0, most)
    .map((task) => ({
      milliseconds: length(task),
      what: own
        .filter((one) => isWithin(one, task) && !one.name.endsWith('RunTask'))
        .toSorted(byLength)
        .slice(0, most)
        .map((one) => `${one.name} ${length(one).toFixed(1)} ${JSON.stringify(one.args).slice(0, 200)}`)
        .join(' > '),
    }));
}

const length = ({ tdur, dur }: TraceEvent): number => (tdur ?? dur) / 1000;
const byLength = (a: TraceEvent, b: TraceEvent): number => length(b) - length(a);

const isWithin = (one: TraceEvent, other: TraceEvent): boolean =>
  one !== other && one.ts >= other.ts && one.ts + one.dur <= other.ts + other.dur;
