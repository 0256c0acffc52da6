import { Agent } from 'node:http';
import { entryOf } from '../../src/common/item-at.js';
import { Recognizer } from '../../src/recognize/index.js';
import { bound, quantile } from './bounds.js';
import { ask, startServer } from './server.js';

export interface LoadOptions {
  readonly picture: Uint8Array;
  /** Of each row. */
  readonly seconds: number;
  readonly threads: number | undefined;
}

interface Row {
  /** Of a second. */
  readonly pictures: number;
  readonly times: readonly number[];
}

/** Clients that ask again as soon as they are answered, with and without shared runs, beside the library in a loop. */
export async function measureLoad({ picture, seconds, threads }: LoadOptions): Promise<void> {
  const columns = ['pictures/s', 'p50 ms', 'p99 ms', 'pause ms'];
  console.log(`${''.padEnd(30)}${columns.map((cell) => cell.padStart(12)).join('')}`);
  const rows = new Map<string, Row>();
  let longest = 0;
  const show = (name: string, row: Row, pause: number | undefined): void => {
    rows.set(name, row);
    longest = Math.max(longest, pause ?? 0);
    const numbers = [row.pictures, quantile(row.times, 0.5), quantile(row.times, 0.99), pause];
    const cells = numbers.map((value) => (value === undefined ? '' : value.toFixed(1)).padStart(12));
    console.log(`${name.padEnd(30)}${cells.join('')}`);
  };
  const recognizer = await Recognizer.load({ worker: true, ...(threads === undefined ? {} : { threads }) });
  const library = async (): Promise<void> => {
    await recognizer.recognize(picture);
  };
  await library();
  for (const clients of [1, 8]) show(`library, ${clients}`, await timed(clients, seconds, library), undefined);
  await recognizer.dispose();
  const own = ['--deadline', '3600', ...(threads === undefined ? [] : ['--threads', String(threads)])];
  for (const [name, ...more] of [['server'], ['one at a time', '--concurrency', '1']] as const) {
    const server = await startServer([...own, ...more]);
    for (const clients of [1, 8, 64]) {
      const agent = new Agent({ keepAlive: true, maxSockets: clients });
      const asked = async (): Promise<void> => {
        const { status, text } = await ask(server.url, agent, { type: 'application/octet-stream', body: picture });
        if (status !== 200) throw new Error(`${status} ${text}`);
      };
      await asked();
      await server.pause();
      const row = await timed(clients, seconds, asked);
      show(`${name}, ${clients}`, row, await server.pause());
      agent.destroy();
    }
    await server.stop();
  }
  for (const clients of [1, 8]) {
    const share = entryOf(rows, `server, ${clients}`).pictures / entryOf(rows, `library, ${clients}`).pictures;
    const cost = 100 * (1 - share);
    bound(`HTTP costs at most 15% (${clients} at a time)`, cost <= 15, `${cost.toFixed(1)}%`);
  }
  bound("the event loop's longest pause is below 20 ms", longest < 20, `${longest.toFixed(1)} ms`);
}

/** A work that is done again and again by so many at a time. */
async function timed(clients: number, seconds: number, work: () => Promise<void>): Promise<Row> {
  const times: number[] = [];
  const begin = performance.now();
  const client = async (): Promise<void> => {
    while (performance.now() - begin < 1000 * seconds) {
      const asked = performance.now();
      await work();
      times.push(performance.now() - asked);
    }
  };
  await Promise.all(Array.from({ length: clients }, client));
  return { pictures: (1000 * times.length) / (performance.now() - begin), times };
}
