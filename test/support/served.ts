import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import type { TestContext } from 'node:test';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import { type Served, type ServeOptions, serve } from '../../src/node/serve/index.js';
import { problemDocument } from '../../src/service/problem-document.js';

export const portraitPath = fileURLToPath(new URL('../../../assets/astronaut.png', import.meta.url));
export const portrait = await readFile(portraitPath);

/** A cheap look at the portrait: one scale, nothing turned. */
export const cheap = { threads: 1, detect: { scales: [192], turned: false } } as const;

/** A server that is ready. After the test it is stopped, however that ends: one that listens would keep the process alive. */
export async function served(options: ServeOptions = {}, t?: Pick<TestContext, 'after'>): Promise<Served> {
  const server = await serve({ port: 0, log: 'silent', recognizer: cheap, ...options });
  t?.after(() => server.close());
  await server.ready.catch(async (error: unknown) => {
    await server.close();
    throw error;
  });
  return server;
}

const logLine = z.looseObject({ msg: z.string(), pid: z.int().optional() });

/** Takes a server's log; the setting `log` must be `info`. */
export class ServerLog {
  #text = '';

  write(text: string): void {
    this.#text += text;
  }

  /** What its lines say, in their order. */
  get messages(): string[] {
    return this.#lines().map(({ msg }) => msg);
  }

  /** Of the process that recognises, as the newest line tells it. */
  get networksPid(): number {
    return this.#lines().findLast(({ msg }) => msg === 'the networks are loaded')?.pid ?? assert.fail(this.#text);
  }

  #lines(): z.infer<typeof logLine>[] {
    // The last one may not have come whole.
    const whole = this.#text.split('\n').slice(0, -1);
    const lines = whole.filter((line) => line.startsWith('{'));
    return lines.map((line) => logLine.parse(JSON.parse(line)));
  }
}

export const recognitionSchema = z.object({
  model: z.string(),
  width: z.number(),
  faces: z.array(z.looseObject({ expression: z.string(), probability: z.number(), crop: z.string().optional() })),
});

/** That an answer is a problem of this status. @returns its document */
export async function problem(response: Response, status: number): Promise<z.infer<typeof problemDocument>> {
  const text = await response.text();
  assert.equal(response.status, status, text);
  assert.match(response.headers.get('content-type') ?? '', /^application\/problem\+json/);
  const document = problemDocument.parse(JSON.parse(text));
  assert.equal(document.status, status);
  assert.equal(document.requestId, response.headers.get('x-request-id'));
  // One sentence, and nothing of the inside.
  assert.match(document.detail, /^[A-Z].*\.$/);
  assert.doesNotMatch(text, /node_modules|\.js\b|\bat .*:\d+/);
  return document;
}

/** Asks for the faces of the portrait, as a picture in the body. */
export function ask(url: string, init: RequestInit = {}): Promise<Response> {
  const { headers, ...rest } = init;
  return fetch(`${url}/v1/recognize`, {
    method: 'POST',
    body: portrait,
    headers: { 'content-type': 'image/png', ...Object.fromEntries(new Headers(headers)) },
    ...rest,
  });
}

/** That the portrait is recognised: whatever came before has disturbed nothing. */
export async function stillWorks(url: string): Promise<void> {
  const response = await ask(url);
  assert.equal(response.status, 200);
  assert.deepEqual(
    recognitionSchema.parse(await response.json()).faces.map(({ expression }) => expression),
    ['happiness'],
  );
}
