import * as z from 'zod';
import { UserError } from '../../common/errors.js';
import { describeZodError } from '../../common/json.js';

const count = z.int().min(1);
const seconds = z.number().min(0.1).max(86_400);

/** How a server is run. Each is an option of `poster serve`, an environment variable and a field of its file. */
export const serveSettings = z.strictObject({
  host: z.string().min(1).default('127.0.0.1').meta({ description: 'address to listen at; 0.0.0.0 is every one' }),
  port: z.int().min(0).max(65_535).default(8080).meta({ description: 'port to listen at; 0 is any free one' }),
  concurrency: count.max(256).default(8).meta({ description: 'requests that are worked on at a time' }),
  maxQueue: z.int().min(0).max(100_000).default(64).meta({ description: 'pictures that may wait; beyond it 503' }),
  deadline: seconds.default(30).meta({ description: 'seconds that a request may take in all; beyond it 504' }),
  slow: seconds.default(20).meta({ description: 'seconds within which a request must have come; beyond it 408' }),
  drain: seconds.default(30).meta({ description: 'seconds that requests in hand may take when the server stops' }),
  maxBody: count.default(32 * 1024 ** 2).meta({ description: 'bytes of a body; beyond it 413' }),
  maxPicture: count.default(16 * 1024 ** 2).meta({ description: 'bytes of a picture; beyond it 413' }),
  maxPixels: count.max(64_000_000).default(32_000_000).meta({ description: 'pixels of a picture; beyond it 413' }),
  maxPictures: count.max(1024).default(32).meta({ description: 'pictures of a batch; beyond it 413' }),
  maxFaces: count.max(10_000).default(100).meta({ description: 'faces of a picture; the surest are given' }),
  clientRequests: count.default(32).meta({ description: 'requests that a client may have in hand; beyond it 429' }),
  rate: z.int().min(0).default(0).meta({ description: 'requests a minute for each client; beyond it 429; 0: any' }),
  maxCameras: z.int().min(0).max(1024).default(4).meta({ description: 'WebSockets of cameras at a time' }),
  corsOrigins: z
    .array(z.string().min(1))
    .default([])
    .meta({ description: 'origins whose pages may ask, such as https://example.org; * is every one' }),
  trustProxy: z.boolean().default(false).meta({ description: 'believe x-forwarded-for of a proxy in front' }),
  keyFile: z.string().min(1).optional().meta({ description: 'file of keys, a line each; without it no key is needed' }),
  tlsCert: z.string().min(1).optional().meta({ description: 'certificate (PEM); with a key the server speaks TLS' }),
  tlsKey: z.string().min(1).optional().meta({ description: 'key of the certificate (PEM)' }),
  page: z.boolean().default(true).meta({ description: 'serve the page of the package at /' }),
  log: z
    .enum(['silent', 'error', 'warn', 'info', 'debug'])
    .default('info')
    .meta({ description: 'what is logged, as lines of JSON' }),
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
  return parsed.data;
}
