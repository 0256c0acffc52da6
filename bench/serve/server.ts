import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { Agent, request } from 'node:http';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { itemAt } from '../../src/common/item-at.js';

/** A server that is a process of its own, as it is in use. */
export interface Server {
  readonly url: string;
  /** The process that recognises, as it is now. */
  networksPid(): number;
  /** Milliseconds of the longest pause of its event loop since it was asked before. */
  pause(): Promise<number>;
  /** Ends it. @returns its exit code */
  stop(): Promise<number | null>;
}

/** Starts `poster serve`, and waits until it takes requests. One client may ask for everybody here. */
export async function startServer(options: readonly string[]): Promise<Server> {
  // As the package has it.
  const main = fileURLToPath(new URL('../../cli/poster.js', import.meta.url));
  const pauses = new URL('./pauses.js', import.meta.url).href;
  const own = ['--port', '0', '--log', 'info', '--client-requests', '100000', ...options];
  const child = spawn(process.execPath, ['--import', pauses, main, 'serve', ...own], {
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
  });
  let networks: number | undefined;
  if (child.stdout === null) throw new Error('a server without its standard output');
  createInterface({ input: child.stdout }).on('line', (line) => {
    const [, pid] = /"pid":(\d+),"msg":"the networks are loaded"/.exec(line) ?? [];
    if (pid !== undefined) networks = Number(pid);
    // Such as a defect. Others are of every request.
    else if (/^\{"level":[456]0/.test(line)) console.error(line);
  });
  const url = await new Promise<string>((resolve, reject) => {
    let output = '';
    child.once('exit', () => reject(new Error(output)));
    child.stderr?.on('data', (data: Buffer) => {
      output += data.toString();
      const [, found] = /^Ready: (http:\S+)\/docs/m.exec(output) ?? [];
      if (found !== undefined) resolve(found);
    });
  });
  return {
    url,
    networksPid() {
      if (networks === undefined) throw new Error('the server has not told its process of the networks');
      return networks;
    },
    pause: async () => {
      child.send('pause');
      const [milliseconds] = await once(child, 'message');
      return Number(milliseconds);
    },
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
  /** Options, with the question mark. */
  readonly query?: string;
}

/** Asks what a picture shows. @throws where there is no answer */
export function ask(url: string, agent: Agent, { type, body, query = '' }: Asked): Promise<Answer> {
  const begin = performance.now();
  return new Promise((resolve, reject) => {
    const headers = { 'content-type': type, 'content-length': body.length };
    const asked = request(`${url}/v1/recognize${query}`, { method: 'POST', agent, headers }, (response) => {
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

/** Bytes of memory that the server says its processes have. */
export async function memoryOf(url: string): Promise<number> {
  const text = await (await fetch(`${url}/metrics`)).text();
  const [http, networks] = ['process', 'poster_networks'].map((whose) =>
    Number(new RegExp(`^${whose}_resident_memory_bytes (\\S+)$`, 'm').exec(text)?.[1]),
  );
  return Number(http) + Number(networks);
}
