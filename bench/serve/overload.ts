import { setTimeout as sleep } from 'node:timers/promises';
import { increaseOf } from '../../src/common/item-at.js';
import { bound, megabytes, quantile } from './bounds.js';
import { type Answer, ask, isSame, manySockets, memoryOf, startServer } from './server.js';

export interface OverloadOptions {
  readonly picture: Uint8Array;
  readonly seconds: number;
  readonly threads: number | undefined;
}

/** Seconds that a request may take in all: the server's default. */
const deadline = 30;

/** Three times as many requests as the server can answer, whether it answers or not. */
export async function measureOverload({ picture, seconds, threads }: OverloadOptions): Promise<void> {
  const server = await startServer(threads === undefined ? [] : ['--threads', String(threads)]);
  const agent = manySockets();
  const asked = { type: 'application/octet-stream', body: picture };
  const expected = (await ask(server.url, agent, asked)).text;
  const capacity = await capacityOf(() => ask(server.url, agent, asked));
  const rate = 3 * capacity;
  console.log(`It answers ${capacity.toFixed(1)} pictures/s; ${rate.toFixed(1)} are asked for, for ${seconds} s.`);
  const statuses = new Map<string, number>();
  const times: number[] = [];
  let wrong = 0;
  const take = ({ status, text, seconds: time }: Answer): void => {
    increaseOf(statuses, String(status));
    if (status !== 200) return;
    times.push(time);
    if (!isSame(text, expected)) wrong++;
  };
  const warm = Math.min(60, seconds / 4);
  const memory: number[] = [];
  let level = 0;
  const begin = performance.now();
  const inHand = new Set<Promise<void>>();
  let sent = 0;
  await server.pause();
  let nextSample = 1;
  for (let now = 0; now < seconds; now = (performance.now() - begin) / 1000) {
    for (; sent < now * rate; sent++) {
      const one: Promise<void> = ask(server.url, agent, asked)
        .then(take, (error: unknown) => increaseOf(statuses, String(error)))
        .finally(() => inHand.delete(one));
      inHand.add(one);
    }
    if (now >= nextSample) {
      nextSample++;
      const used = await memoryOf(server.url);
      if (now < warm) level = used;
      else memory.push(used);
    }
    await sleep(5);
  }
  await Promise.all(inHand);
  const pause = await server.pause();
  const code = await server.stop();
  agent.destroy();
  const counts = [...statuses].map(([status, count]) => `${count} x ${status}`).join(', ');
  const others = [...statuses.keys()].filter((status) => status !== '200' && status !== '503');
  const grown = Math.max(...memory) / level - 1;
  bound('every request is answered, the rest 503', others.length === 0 && times.length > 0, counts);
  bound('every accepted request is answered rightly', wrong === 0, `${wrong} of ${times.length} wrong`);
  const p99 = quantile(times, 0.99);
  bound(`p99 of accepted is within the deadline (${deadline} s)`, p99 <= deadline, `${p99.toFixed(2)} s`);
  bound(
    `memory stays within 10% of its level after ${warm} s`,
    grown <= 0.1,
    `${megabytes(level)}, at most ${megabytes(Math.max(...memory))}`,
  );
  bound("the event loop's longest pause is below 20 ms", pause < 20, `${pause.toFixed(1)} ms`);
  bound('the server stops with exit code 0', code === 0, String(code));
}

/** Answers of a second, by 8 that ask again and again for 5 s. */
async function capacityOf(one: () => Promise<Answer>): Promise<number> {
  const begin = performance.now();
  let count = 0;
  const client = async (): Promise<void> => {
    while (performance.now() - begin < 5000) {
      await one();
      count++;
    }
  };
  await Promise.all(Array.from({ length: 8 }, client));
  return (1000 * count) / (performance.now() - begin);
}
