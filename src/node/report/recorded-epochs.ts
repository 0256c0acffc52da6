import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import * as z from 'zod';
import { UserError } from '../../common/errors.js';
import { Event, recordsIn, sessionStart } from './tensorboard.js';

/** In bytes; a run of 1000 epochs has some 100 MB, nearly all of it pictures. */
const largestFile = 2 ** 29;

const eventSchema = z.looseObject({
  step: z.coerce.number().catch(0),
  sessionLog: z.looseObject({ status: z.number() }).nullish(),
  summary: z
    .looseObject({ value: z.array(z.looseObject({ tag: z.string(), simpleValue: z.number().nullish() })) })
    .nullish(),
});

/**
 * The last epoch, from 1, whose figures the event files in a run's folder tell, of those that end by `step`; 0 without any.
 * Files of other makers are passed over.
 */
export async function lastRecordedEpoch(folder: string, step: number, maker = 'poster'): Promise<number> {
  let epochs: { readonly epoch: number; readonly step: number }[] = [];
  for (const name of (await readdir(folder).catch(() => [])).sort()) {
    if (!name.startsWith('events.out.tfevents.') || !name.includes(`.${maker}.`)) continue;
    const path = join(folder, name);
    if ((await stat(path)).size > largestFile) {
      throw new UserError(`${path} has more than ${largestFile / 2 ** 20} MiB: too much for an event file of a run.`);
    }
    for (const record of recordsIn(await readFile(path))) {
      const event = parseEvent(record);
      if (event?.sessionLog?.status === sessionStart) epochs = epochs.filter((earlier) => earlier.step < event.step);
      for (const { tag, simpleValue } of event?.summary?.value ?? []) {
        if (event !== undefined && tag === 'epoch' && typeof simpleValue === 'number') {
          epochs.push({ epoch: simpleValue, step: event.step });
        }
      }
    }
  }
  return Math.max(0, ...epochs.filter((one) => one.step <= step).map(({ epoch }) => epoch));
}

/** Nothing for a record that is no event: it tells no epoch. */
function parseEvent(record: Uint8Array): z.infer<typeof eventSchema> | undefined {
  try {
    return eventSchema.safeParse(Event.toObject(Event.decode(record), { longs: Number })).data;
  } catch {
    return undefined;
  }
}
