import { setTimeout as sleep } from 'node:timers/promises';
import { bound } from './bounds.js';
import { type Answer, ask, manySockets, startServer } from './server.js';

const rounds = 3;

/**
 * Kills the server (-9) in the middle of load and starts it again at once, as systemd and Kubernetes do. Networks run in a thread of the
 * server's process: what kills one kills both.
 */
export async function measureKills(picture: Uint8Array, threads: number | undefined): Promise<void> {
  const agent = manySockets();
  const asked = { type: 'application/octet-stream', body: picture };
  let options = threads === undefined ? [] : ['--threads', String(threads)];
  let server = await startServer(options);
  const { url } = server;
  // Again at the same address.
  options = [...options, '--port', new URL(url).port];
  const expected = (await ask(url, agent, asked)).text;
  let stopped = false;
  let cut = 0;
  let wrong = 0;
  let answered = 0;
  let lastAnswer = 0;
  const client = async (): Promise<void> => {
    while (!stopped) {
      const answer: Answer | undefined = await ask(url, agent, asked).catch(() => undefined);
      if (answer === undefined) {
        cut++;
        await sleep(20);
      } else if (answer.status === 200) {
        answered++;
        lastAnswer = performance.now();
        if (answer.text.length !== expected.length) wrong++;
      } else if (answer.status !== 503) wrong++;
    }
  };
  const clients = Array.from({ length: 8 }, client);
  let slowest = 0;
  for (let round = 0; round < rounds; round++) {
    const before = answered;
    while (answered < before + 8) await sleep(5);
    const killed = performance.now();
    server.child.kill('SIGKILL');
    await server.stop();
    server = await startServer(options);
    while (lastAnswer < killed) await sleep(2);
    const seconds = (lastAnswer - killed) / 1000;
    console.log(`${seconds.toFixed(2)} s from the kill to the next answer`);
    slowest = Math.max(slowest, seconds);
  }
  stopped = true;
  await Promise.all(clients);
  agent.destroy();
  await server.stop();
  console.log(`${answered} were answered; connections ended or refused ${cut} times.`);
  bound('none is answered wrongly', wrong === 0, String(wrong));
  bound('the next is answered within 3 s', slowest <= 3, `${slowest.toFixed(2)} s at most of ${rounds} times`);
}
