import * as z from 'zod';
import { UserError } from '../../common/errors.js';
import { describeZodError } from '../../common/json.js';

const count = z.int().min(1);
/** Bytes: each body can be a text of JavaScript, which holds at most 2^29 - 24 characters. */
const mostBytes = 500 * 1024 ** 2;
const seconds = z.number().min(0.1).max(86_400);

/** Whether it is something that a browser can send as an origin, or `*`. */
function isOrigin(text: string): boolean {
  if (text === '*' || text === 'null') return true;
  if (/^https?:/i.test(text)) return URL.canParse(text) && new URL(text).origin === text;
  // Those of programs with a browser in them, and of its extensions.
  return /^[a-z][a-z0-9+.-]*:\/\/[^\s/?#@,]+$/.test(text);
}

/** How a server is run. Each is an option of `poster serve`, an environment variable and a field of its file. */
export const serveSettings = z.strictObject({
  host: z.string().min(1).default('127.0.0.1').meta({ description: 'address to listen on; 0.0.0.0: all' }),
  port: z.int().min(0).max(65_535).default(8080).meta({ description: 'port to listen on; 0: any free one' }),
  concurrency: count.max(256).default(8).meta({ description: 'requests processed at a time' }),
  maxQueue: z.int().min(0).max(100_000).default(64).meta({ description: 'pictures that may wait; more get 503' }),
  deadline: seconds.default(30).meta({ description: 'seconds for a whole request; longer ones get 504' }),
  slow: seconds.default(20).meta({ description: 'seconds to receive a request; slower ones get 408' }),
  drain: seconds.default(30).meta({ description: 'seconds for requests in progress when the server stops' }),
  maxBody: count
    .max(mostBytes)
    .default(32 * 1024 ** 2)
    .meta({ description: 'largest body in bytes; larger ones get 413' }),
  maxBodies: count
    .default(256 * 1024 ** 2)
    .meta({ description: 'bytes of all bodies in memory; more get 503; maxBody or more' }),
  maxPicture: count
    .max(mostBytes)
    .default(16 * 1024 ** 2)
    .meta({ description: 'largest file of a picture in bytes; larger ones get 413' }),
  maxPixels: count
    .max(64_000_000)
    .default(32_000_000)
    .meta({ description: 'most pixels of a picture; larger ones get 413' }),
  maxPictures: count.max(1024).default(32).meta({ description: 'most pictures of a batch; larger ones get 413' }),
  maxFaces: count
    .max(10_000)
    .default(100)
    .meta({ description: 'most faces of a picture, those with the highest scores' }),
  clientRequests: count.default(32).meta({ description: 'requests of a client in progress; more get 429' }),
  rate: z.int().min(0).default(0).meta({ description: 'requests of a client in a minute; more get 429; 0: no limit' }),
  maxCameras: z.int().min(0).max(1024).default(4).meta({ description: 'camera WebSockets at a time' }),
  corsOrigins: z
    .array(z.string().refine(isOrigin, 'must be an origin such as https://example.org, without a path, or *'))
    .default([])
    .meta({ description: 'origins whose pages may send requests, such as https://example.org; *: all' }),
  trustProxy: z
    .boolean()
    .default(false)
    .meta({ description: 'trust x-forwarded-for and x-forwarded-host of the one proxy in front' }),
  keyFile: z
    .string()
    .min(1)
    .optional()
    .meta({ description: 'file of API keys, one per line; without it no key is needed' }),
  tlsCert: z.string().min(1).optional().meta({ description: 'certificate (PEM); with tlsKey the server speaks TLS' }),
  tlsKey: z.string().min(1).optional().meta({ description: 'key of the certificate (PEM)' }),
  page: z.boolean().default(true).meta({ description: 'serve the page of the package at /' }),
  log: z
    .enum(['silent', 'error', 'warn', 'info', 'debug'])
    .default('info')
    .meta({ description: 'log level; the log is lines of JSON' }),
});

/** As they are given: what is left out has its default. */
export type ServeSettings = z.input<typeof serveSettings>;

/** All of them. */
export type CompleteSettings = z.output<typeof serveSettings>;

/** @throws UserError (kind `usage`) that names the first that cannot be */
export function completeSettings(given: ServeSettings): CompleteSettings {
  const parsed = serveSettings.safeParse(given);
  if (!parsed.success) {
    throw new UserError(`The server cannot be run so: ${describeZodError(parsed.error)}.`, 'usage');
  }
  if ((parsed.data.tlsCert === undefined) !== (parsed.data.tlsKey === undefined)) {
    throw new UserError('TLS needs a certificate and its key; give both or neither.', 'usage');
  }
  const { maxBody, maxBodies } = parsed.data;
  if (maxBody > maxBodies) {
    const sentence = `maxBody is ${maxBody} bytes, more than the ${maxBodies} of maxBodies; raise maxBodies.`;
    throw new UserError(`The server cannot be run so: ${sentence}`, 'usage');
  }
  return parsed.data;
}
