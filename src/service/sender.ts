import type * as z from 'zod';
import { type ErrorKind, messageOf, UserError } from '../common/errors.js';
import { printable, shownAddress } from '../common/printable.js';
import { linked } from '../common/signals.js';
import { type ProblemDocument, type ProblemName, problemDocument, problems, typeOf } from './problem-document.js';

export interface SenderOptions {
  /** Of a server that has keys. */
  readonly key?: string;
  /** Seconds that an answer may take, above 0, at most a million (default 60). */
  readonly timeout?: number;
  /**
   * How often is asked again where the server has no time for now; it says when (default 5; 0: never; infinity: until it has). Once, where the
   * work ended its networks.
   */
  readonly retries?: number;
}

/** A request, by its path from the server's address. */
export interface SentRequest {
  readonly method: 'GET' | 'POST';
  readonly path: string;
  /** With its question mark. */
  readonly query?: string;
  readonly body?: Blob | FormData;
}

/** Seconds: timers count milliseconds in 31 bits, and ring at once for more. */
const longestTimeout = 1e6;
/** Seconds that are waited at most before a request is sent again. */
const longestWait = 60;

/** Who is to blame for each problem. */
const kinds: Readonly<Record<ProblemName, ErrorKind>> = {
  'bad-request': 'usage',
  unauthorized: 'usage',
  forbidden: 'usage',
  'not-found': 'usage',
  'method-not-allowed': 'usage',
  'request-timeout': 'resources',
  'too-large': 'input',
  'unsupported-media-type': 'usage',
  'expectation-failed': 'usage',
  'unusable-picture': 'input',
  'no-face': 'input',
  'invalid-options': 'usage',
  'too-many-requests': 'resources',
  'upgrade-needed': 'usage',
  'headers-too-large': 'usage',
  internal: 'resources',
  overloaded: 'resources',
  loading: 'resources',
  draining: 'resources',
  interrupted: 'resources',
  'no-resources': 'resources',
  deadline: 'resources',
};
const kindByType: ReadonlyMap<string, ErrorKind> = new Map(
  (Object.keys(problems) as ProblemName[]).map((name) => [typeOf(name), kinds[name]]),
);

/** What a server answered to what an error of a client tells; undefined for other errors. */
export function problemIn(error: unknown): ProblemDocument | undefined {
  const { success, data } = problemDocument.safeParse(error instanceof UserError ? error.cause : undefined);
  return success ? data : undefined;
}

/** Sends requests to one server, again where it asks for that, and makes errors of what is no answer. */
export class Sender {
  readonly #base: string;
  readonly #headers: Readonly<Record<string, string>>;
  readonly #timeout: number;
  readonly #retries: number;
  /** The server, in sentences. */
  readonly #called: string;

  /** @throws UserError (kind `usage`) */
  constructor(url: string, { key, timeout = 60, retries = 5 }: SenderOptions) {
    if (!/^https?:\/\/[^/?#@]+(\/[^?#]*)?$/i.test(url) || !URL.canParse(url)) {
      throw new UserError(
        `${shownAddress(url)} is no address of a server; give one such as http://127.0.0.1:8080.`,
        'usage',
      );
    }
    if (key !== undefined && !/^[!-~]+$/.test(key)) {
      throw new UserError('The key for the server has characters that no key has; check it.', 'usage');
    }
    if (!(timeout > 0 && timeout <= longestTimeout)) {
      throw new UserError(
        `An answer cannot be awaited for ${timeout} s; give a timeout above 0, at most 1,000,000.`,
        'usage',
      );
    }
    if (!(retries >= 0 && (Number.isInteger(retries) || retries === Number.POSITIVE_INFINITY))) {
      throw new UserError(
        `A request cannot be sent again ${retries} times; retries is a whole number from 0.`,
        'usage',
      );
    }
    this.#base = url.endsWith('/') ? url : `${url}/`;
    this.#called = `The server at ${shownAddress(url)}`;
    this.#headers = key === undefined ? {} : { authorization: `Bearer ${key}` };
    this.#timeout = timeout;
    this.#retries = retries;
  }

  /** @throws UserError, or the signal's reason */
  async send<T extends z.ZodType>(request: SentRequest, schema: T, signal?: AbortSignal): Promise<z.output<T>> {
    for (let tries = 0; ; tries++) {
      signal?.throwIfAborted();
      const { status, retryAfter, text } = await this.#answer(request, signal);
      if (status === 200) return this.#checked(text, schema);
      if (tries >= this.#mostRetries(status, text)) throw this.#problem(status, text);
      await waited(Math.min(longestWait, Math.max(1, Number(retryAfter ?? 1) || 1)), signal);
    }
  }

  #mostRetries(status: number, text: string): number {
    if (status !== 503 && status !== 429) return 0;
    // The work may be what ended the server's networks: it is not what others wait for again and again.
    const { data } = problemDocument.safeParse(jsonOf(text));
    return data?.type === typeOf('no-resources') ? Math.min(1, this.#retries) : this.#retries;
  }

  async #answer(
    { method, path, query = '', body }: SentRequest,
    signal: AbortSignal | undefined,
  ): Promise<{ readonly status: number; readonly retryAfter: string | null; readonly text: string }> {
    const late = new AbortController();
    const stop = linked([signal, late.signal]);
    const timer = setTimeout(() => late.abort(), this.#timeout * 1000);
    const sent = body === undefined ? {} : { body };
    // Of a form the boundary is a part of the type.
    const type = body instanceof Blob ? { 'content-type': 'application/octet-stream' } : {};
    try {
      const response = await fetch(`${this.#base}${path}${query}`, {
        method,
        headers: { ...this.#headers, ...type },
        // Pictures go where they were meant to go only.
        redirect: 'manual',
        signal: stop.signal,
        ...sent,
      });
      return { status: response.status, retryAfter: response.headers.get('retry-after'), text: await response.text() };
    } catch (error) {
      signal?.throwIfAborted();
      if (late.signal.aborted) {
        throw new UserError(`${this.#called} did not answer within ${this.#timeout} s; ask again later.`, 'resources');
      }
      const reason = printable(reasonOf(error));
      throw new UserError(
        `${this.#called} cannot be reached (${reason}); check its address and that it runs.`,
        'resources',
        { cause: error },
      );
    } finally {
      clearTimeout(timer);
      stop.release();
    }
  }

  #checked<T extends z.ZodType>(text: string, schema: T): z.output<T> {
    const parsed = schema.safeParse(jsonOf(text));
    if (parsed.success) return parsed.data;
    throw new UserError(`${this.#called} gave no answer of poster serve; check its address.`, 'usage');
  }

  #problem(status: number, text: string): UserError {
    const { success, data } = problemDocument.safeParse(jsonOf(text));
    if (!success) {
      const kind = status >= 500 ? 'resources' : 'usage';
      return new UserError(`${this.#called} answered ${status}, and is no poster serve; check its address.`, kind);
    }
    const kind = kindByType.get(data.type) ?? (status >= 500 ? 'resources' : 'usage');
    const settings = status === 401 ? (['serverKey'] as const) : [];
    return new UserError(printable(data.detail, 1000), kind, { cause: data, settings });
  }
}

/** Undefined for what is no JSON. */
function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Node tells the reason one level deeper, and of a name with several addresses yet deeper. */
function reasonOf(error: unknown): string {
  const { cause } = error instanceof Error ? error : {};
  const inner = cause instanceof Error ? cause : error;
  const code = inner instanceof Error && 'code' in inner ? inner.code : undefined;
  return messageOf(inner) || String(code);
}

/** @throws the signal's reason */
async function waited(seconds: number, signal: AbortSignal | undefined): Promise<void> {
  const stop = linked([signal]);
  await new Promise<void>((resolve) => {
    const timer = setTimeout(resolve, seconds * 1000);
    stop.signal.addEventListener('abort', () => {
      clearTimeout(timer);
      resolve();
    });
  });
  stop.release();
  signal?.throwIfAborted();
}
