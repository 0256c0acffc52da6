import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { Agent, request } from 'node:http';
import { fileURLToPath } from 'node:url';
import { itemAt } from '../../src/common/item-at.js';

/** A server that is a process of its own, as it is in use. */
export interface Server {
  readonly url: string;
  readonly child: ChildProcess;
  /** Ends it. @returns its exit code */
  stop(): Promise<number | null>;
}

/** Starts `poster serve`, and waits until it takes requests. One client may ask for everybody here. */
export async function startServer(options: readonly string[]): Promise<Server> {
  const main = fileURLToPath(new URL('../../src/cli/main.js', import.meta.url));
  const own = ['--port', '0', '--log', 'error', '--client-requests', '100000', ...options];
  const child = spawn(process.execPath, [main, 'serve', ...own], { stdio: ['ignore', 'inherit', 'pipe'] });
  const url = await new Promise<string>((resolve, reject) => {
    let told = '';
    child.once('exit', () => reject(new Error(told)));
    child.stderr?.on('data', (data: Buffer) => {
      told += data.toString();
      const [, found] = /^Ready: (http:\S+)\/docs/m.exec(told) ?? [];
      if (found !== undefined) resolve(found);
    });
  });
  return {
    url,
    child,
    stop: async () => {
      if (child.exitCode !== null || child.signalCode !== null) return child.exitCode;
      child.kill('SIGTERM');
      await once(child, 'exit');
      return child.exitCode;
    },
  };
}

export interface Answer {
  readonly status: number;
  readonly text: string;
  /** Seconds until its end. */
  readonly seconds: number;
}

/** One request. */
export interface Asked {
  readonly type: string;
  readonly body: Uint8Array;
}

/** Asks what a picture shows. @throws where there is no answer */
export function ask(url: string, agent: Agent, { type, body }: Asked): Promise<Answer> {
  const begin = performance.now();
  return new Promise((resolve, reject) => {
    const headers = { 'content-type': type, 'content-length': body.length };
    const asked = request(`${url}/v1/recognize`, { method: 'POST', agent, headers }, (response) => {
      const pieces: Buffer[] = [];
      response.on('data', (piece: Buffer) => pieces.push(piece));
      response.once('error', reject);
      response.once('end', () =>
        resolve({
          status: response.statusCode ?? 0,
          text: Buffer.concat(pieces).toString(),
          seconds: (performance.now() - begin) / 1000,
        }),
      );
    });
    asked.once('error', reject);
    asked.end(body);
  });
}

const numbers = /-?\d+(\.\d+)?(e[+-]?\d+)?/g;

/** Whether two answers say the same; the last digits may differ with the faces that shared a run. */
export function isSame(answer: string, expected: string): boolean {
  const apart = (text: string): [words: string, values: number[]] => [
    text.replaceAll(numbers, '0').replace(/"requestId":"[^"]*"/, ''),
    (text.replace(/"requestId":"[^"]*"/, '').match(numbers) ?? []).map(Number),
  ];
  const [words, values] = apart(answer);
  const [otherWords, others] = apart(expected);
  return words === otherWords && values.every((value, i) => Math.abs(value - itemAt(others, i)) < 0.01);
}

export const manySockets = (): Agent => new Agent({ keepAlive: true, maxSockets: Number.POSITIVE_INFINITY });

/** Milliseconds between the looks of the server at its event loop: the longest pause is measured beyond them. */
const precision = 10;

export interface Figures {
  /** Bytes. */
  readonly memory: number;
  /** The longest pause of the event loop since the figures were read before, in milliseconds. */
  readonly pause: number;
}

/** What the server says of itself. */
export async function figuresOf(url: string): Promise<Figures> {
  const text = await (await fetch(`${url}/metrics`)).text();
  const value = (name: string): number => Number(new RegExp(`^${name} (\\S+)$`, 'm').exec(text)?.[1]);
  return {
    memory: value('process_resident_memory_bytes'),
    pause: Math.max(0, 1000 * value('nodejs_eventloop_lag_max_seconds') - precision),
  };
}
