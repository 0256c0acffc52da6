import { setTimeout as sleep } from 'node:timers/promises';
import { bound } from './bounds.js';
import { type Answer, ask, isSame, manySockets, startServer } from './server.js';

const rounds = 3;
const clients = 8;

/** Kills the process of the networks (-9) in the middle of load: those in hand must get 503, and the next be answered soon. */
export async function measureKills(picture: Uint8Array, threads: number | undefined): Promise<void> {
  const agent = manySockets();
  const asked = { type: 'application/octet-stream', body: picture };
  const server = await startServer(threads === undefined ? [] : ['--threads', String(threads)]);
  const expected = (await ask(server.url, agent, asked)).text;
  let stopped = false;
  let [answered, wrong, refused, cut] = [0, 0, 0, 0];
  let lastAnswer = 0;
  const take = ({ status, text }: Answer): void => {
    if (status === 503) refused++;
    else if (status === 200 && isSame(text, expected)) {
      answered++;
      lastAnswer = performance.now();
    } else wrong++;
  };
  const client = async (): Promise<void> => {
    while (!stopped) {
      await ask(server.url, agent, asked).then(take, () => {
        cut++;
      });
    }
  };
  const all = Array.from({ length: clients }, client);
  let slowest = 0;
  for (let round = 0; round < rounds; round++) {
    const [before, refusedBefore] = [answered, refused];
    while (answered < before + clients) await sleep(5);
    const killed = performance.now();
    process.kill(server.networksPid(), 'SIGKILL');
    // What was answered before it was killed may still be on its way.
    while (refused === refusedBefore || lastAnswer < killed + 100) await sleep(2);
    const seconds = (lastAnswer - killed) / 1000;
    console.log(
      `${seconds.toFixed(2)} s from the kill to the next answer; ${refused - refusedBefore} in hand were refused`,
    );
    slowest = Math.max(slowest, seconds);
  }
  stopped = true;
  await Promise.all(all);
  agent.destroy();
  const code = await server.stop();
  bound('none is answered wrongly', wrong === 0, `${wrong}; ${answered} rightly`);
  bound('connections stay', cut === 0, `${cut} ended`);
  bound('the next is answered within 3 s', slowest <= 3, `${slowest.toFixed(2)} s at most of ${rounds} times`);
  bound('the server stops with exit code 0', code === 0, String(code));
}
