import { readFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import pino from 'pino';
import * as z from 'zod';
import { closeAll } from '../../common/close-all.js';
import { packageFile } from '../files/package-files.js';
import { hasPage, listeningError, pageRoutes } from '../page/index.js';
import { type WorkDone, workChannel } from '../workers/work-done.js';
import { asBytes, createApp } from './app.js';
import { BodyReader } from './body-reader.js';
import { Cameras } from './cameras.js';
import { analyzeEndpoint } from './deepface.js';
import { docsEndpoints } from './docs-endpoints.js';
import { addEndpoints } from './endpoint.js';
import { explainEndpoint } from './explain-endpoint.js';
import { healthEndpoints, type ServerState } from './health-endpoints.js';
import { Inference } from './inference.js';
import { Keys } from './keys.js';
import { createMetrics } from './metrics.js';
import { Networks, type ServedRecognizer } from './networks.js';
import { openInferenceEndpoints } from './open-inference-endpoints.js';
import { RequestProblem } from './problem.js';
import { recognizeEndpoints } from './recognize-endpoints.js';
import { completeSettings, type ServeSettings } from './settings.js';
import { tlsOf } from './tls-files.js';

export interface ServeOptions extends ServeSettings {
  /** What recognises: weights, device, threads and the like. */
  readonly recognizer?: ServedRecognizer;
  /** Where lines of the log go. Default: standard output. */
  readonly logTo?: { write(line: string): void };
}

const { version } = z
  .object({ version: z.string() })
  .parse(JSON.parse(readFileSync(packageFile('package.json'), 'utf8')));

/** A server that runs. */
export interface Served {
  /** Such as `http://127.0.0.1:8080`. */
  readonly url: string;
  /** Settled once the networks are loaded and requests are taken. @throws UserError where they cannot be loaded */
  readonly ready: Promise<void>;
  /** Reads the file of keys again. @throws UserError where it cannot be used; the keys stay as they are */
  reloadKeys(): Promise<void>;
  /** Takes no more requests, ends those in hand, and stops. Safe to call again. */
  close(): Promise<void>;
}

/**
 * Serves expressions over HTTP. It listens at once, and takes requests when the networks are loaded.
 *
 *     const server = await serve({ port: 8080 });
 *     await server.ready;
 *
 * @throws UserError for settings that cannot be, files that cannot be read, and an address that is taken
 */
export async function serve({ recognizer = {}, logTo, ...given }: ServeOptions = {}): Promise<Served> {
  const settings = completeSettings(given);
  const logger = pino({ level: settings.log, base: null }, logTo ?? pino.destination(1));
  let isDraining = false;
  const state = (): ServerState => (isDraining ? 'draining' : networks.state);
  const metrics = createMetrics(() => ({
    queueLength: () => inference.admission.waiting,
    inHand: () => inference.admission.inHand,
    ready: () => state() === 'ok',
  }));
  const networks = new Networks(metrics, logger);
  const inference = new Inference(networks, settings, metrics);
  const bodies = new BodyReader();
  const { maxPicture, maxPictures } = settings;
  const uploads = { bodies, limits: { maxPicture, maxPictures } };
  const cameras = new Cameras(inference, uploads, settings);
  const keys = settings.keyFile === undefined ? undefined : await Keys.read(settings.keyFile);
  const tls = await tlsOf(settings);
  const created = await createApp({
    settings,
    metrics,
    logger,
    tls,
    keys,
    admission: inference.admission,
    checkOpen() {
      if (isDraining) {
        throw new RequestProblem('draining', 'The server is stopping; ask another one.', { retryAfter: 1 });
      }
      // While the next process of the networks is started, work waits for it.
      void networks.recognizer;
    },
  });
  const { app, guards } = created;
  const own = [
    ...recognizeEndpoints(inference, uploads, settings),
    explainEndpoint(inference, uploads, settings),
    cameras.endpoint(),
    analyzeEndpoint(inference, uploads, settings),
    ...healthEndpoints(state, metrics),
  ];
  const protocol = openInferenceEndpoints(inference, bodies, () => state() === 'ok', version);
  addEndpoints(app, [...own, ...docsEndpoints([...own, ...protocol], version, keys !== undefined)]);
  await asBytes(created, (part) => addEndpoints(part, protocol));
  // In a part of its own: its headers go before those of helmet, and on its own files only.
  if (settings.page && hasPage()) await app.register(pageRoutes);
  else if (settings.page) logger.warn('The page is not built here (npm run page builds it), so there is none at /.');
  await app.listen({ host: settings.host, port: settings.port }).catch(async (error: unknown) => {
    await app.close();
    throw listeningError(error, settings);
  });
  const measure = (done: unknown): void => metrics.done(done as WorkDone);
  workChannel.subscribe(measure);
  const ready = networks.load(recognizer);
  // Whoever serves may ask later.
  ready.catch(() => undefined);
  const close = async (): Promise<void> => {
    isDraining = true;
    const until = performance.now() + settings.drain * 1000;
    cameras.close();
    while (guards.inHand > 0 && performance.now() < until) await sleep(20);
    // Whatever becomes of one, no thread and no process stays.
    await closeAll(
      async () => {
        await app.close();
      },
      () => ready.catch(() => undefined),
      () => bodies.dispose(),
      () => networks.dispose(),
    ).finally(() => workChannel.unsubscribe(measure));
  };
  let closing: Promise<void> | undefined;
  return {
    url: urlOf(app.server.address(), tls !== undefined),
    ready,
    reloadKeys: async () => keys?.reload(),
    close: () => {
      closing ??= close();
      return closing;
    },
  };
}

function urlOf(address: AddressInfo | string | null, isTls: boolean): string {
  if (address === null || typeof address === 'string') throw new Error('a server without a port');
  const host = address.family === 'IPv6' ? `[${address.address}]` : address.address;
  return `${isTls ? 'https' : 'http'}://${host}:${address.port}`;
}
