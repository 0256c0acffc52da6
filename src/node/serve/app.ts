import { randomUUID } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import { TLSSocket } from 'node:tls';
import cors from '@fastify/cors';
import helmet from '@fastify/helmet';
import rateLimit from '@fastify/rate-limit';
import websocket from '@fastify/websocket';
import Fastify, {
  type FastifyBaseLogger,
  type FastifyInstance,
  type FastifyReply,
  type FastifyRequest,
  LogController,
} from 'fastify';
import { printable } from '../../common/printable.js';
import { problemType } from '../../service/problem-document.js';
import { BodyPieces } from './body-pieces.js';
import { type GuardParts, Guards } from './guards.js';
import type { Metrics } from './metrics.js';
import { documentOf, problemOf, RequestProblem } from './problem.js';
import { ClientLeft, lifeOf } from './request-life.js';
import type { CompleteSettings } from './settings.js';

declare module 'fastify' {
  interface FastifyRequest {
    /** Aborted when the work for the request is of no use any more. */
    life: AbortSignal;
  }
}

export interface AppParts extends GuardParts {
  readonly settings: CompleteSettings;
  readonly metrics: Metrics;
  readonly logger: FastifyBaseLogger;
  readonly tls: { readonly cert: Buffer; readonly key: Buffer } | undefined;
}

export interface App {
  readonly app: FastifyInstance;
  readonly guards: Guards;
  readonly pieces: BodyPieces;
}

/** Headers of a request, in bytes. */
const maxHeaders = 16 * 1024;
/** Milliseconds in which a client may read why its connection ends. */
const goodbye = 2000;

/** The server, which answers by endpoints. */
export async function createApp(parts: AppParts): Promise<App> {
  const { settings, metrics, logger, tls } = parts;
  const slow = settings.slow * 1000;
  // Node cuts a request at the larger of both times.
  const times = { requestTimeout: slow, headersTimeout: slow, connectionsCheckingInterval: 1000 };
  const limits = { maxHeaderSize: maxHeaders, ...times };
  const app = Fastify({
    loggerInstance: logger,
    logController: new LogController({ disableRequestLogging: true, requestIdLogLabel: 'requestId' }),
    trustProxy: settings.trustProxy,
    bodyLimit: settings.maxBody,
    requestTimeout: slow,
    keepAliveTimeout: 72_000,
    // What was accepted has been waited for by then.
    forceCloseConnections: true,
    genReqId: requestIdOf,
    return503OnClosing: false,
    frameworkErrors: (error, request, reply) => answerProblem(error, request, reply),
    clientErrorHandler: answerSocket,
    ...(tls === undefined ? { http: limits } : { https: { ...limits, ...tls, handshakeTimeout: slow } }),
  });
  const guards = new Guards(parts);
  app.decorateRequest('life');
  app.addHook('onRequest', async (request, reply) => {
    reply.header('x-request-id', request.id);
    request.life = lifeOf(reply.raw, settings.deadline);
  });
  app.addHook('onResponse', async (request, reply) => {
    const { url: route = 'none' } = request.routeOptions;
    const seconds = reply.elapsedTime / 1000;
    metrics.requests.inc({ method: request.method, route, status: String(reply.statusCode) });
    metrics.requestSeconds.observe({ route }, seconds);
    request.log.info({ method: request.method, route, status: reply.statusCode, seconds }, 'answered');
  });
  app.setErrorHandler(answerProblem);
  app.setNotFoundHandler((request, reply) => {
    answerProblem(
      new RequestProblem('not-found', 'There is nothing at this address; /docs lists what there is.'),
      request,
      reply,
    );
  });
  await app.register(helmet, {
    xFrameOptions: { action: 'deny' },
    strictTransportSecurity: tls !== undefined,
    contentSecurityPolicy: { useDefaults: false, directives: { defaultSrc: ["'none'"], frameAncestors: ["'none'"] } },
  });
  if (settings.corsOrigins.length > 0) {
    const every = settings.corsOrigins.includes('*');
    await app.register(cors, {
      origin: every ? '*' : settings.corsOrigins,
      exposedHeaders: ['x-request-id', 'retry-after'],
    });
  }
  if (settings.rate > 0) {
    await app.register(rateLimit, {
      global: false,
      max: settings.rate,
      timeWindow: '1 minute',
      // Files of the page have no guard either.
      allowList: ({ routeOptions: { config } }) => (config.guard ?? 'nothing') === 'nothing',
      errorResponseBuilder: (_, { ttl }) =>
        new RequestProblem(
          'too-many-requests',
          `This client asked more than ${settings.rate} times in a minute; wait.`,
          {
            retryAfter: Math.ceil(ttl / 1000),
          },
        ),
    });
    app.addHook('onRequest', app.rateLimit());
  }
  // Behind the headers of other origins, which refusals have too, and the rate, which wrong keys count towards.
  app.addHook('onRequest', async (request, reply) => guards.check(request, reply));
  app.addHook('onRequest', async ({ headers }, reply) => {
    const { 'content-encoding': encoding = 'identity' } = headers;
    if (encoding.toLowerCase() === 'identity') return;
    reply.header('accept-encoding', 'identity');
    const sentence = `The body is compressed (${printable(encoding, 40)}); send it as it is.`;
    throw new RequestProblem('unsupported-media-type', sentence);
  });
  await app.register(websocket, { options: { maxPayload: settings.maxPicture } });
  const pieces = new BodyPieces(settings.maxBody);
  addParsers(app, pieces);
  return { app, guards, pieces };
}

/** Bodies as bytes: what they say is read where that holds nobody up. */
function addParsers(app: FastifyInstance, pieces: BodyPieces): void {
  app.removeContentTypeParser(['application/json', 'text/plain']);
  for (const type of [/^(image\/|application\/octet-stream$)/, 'application/json', 'multipart/form-data']) {
    app.addContentTypeParser(type, async (_: FastifyRequest, payload: IncomingMessage) => pieces.read(payload));
  }
}

/** A part of the server whose bodies come as bytes, whatever they are called. */
export async function asBytes(
  { app, pieces }: Pick<App, 'app' | 'pieces'>,
  add: (part: FastifyInstance) => void,
): Promise<void> {
  await app.register((part, _, done) => {
    part.removeAllContentTypeParsers();
    part.addContentTypeParser('*', async (_: FastifyRequest, payload: IncomingMessage) => pieces.read(payload));
    add(part);
    done();
  });
}

/** What a client calls its request, if that can stand in a log. */
function requestIdOf({ headers }: Pick<IncomingMessage, 'headers'>): string {
  const given = headers['x-request-id'];
  return typeof given === 'string' && /^[\w.:-]{1,100}$/.test(given) ? given : randomUUID();
}

function answerProblem(error: unknown, request: FastifyRequest, reply: FastifyReply): void {
  // What was given up is told by why, not by what was interrupted.
  const cause: unknown = request.life?.aborted === true ? request.life.reason : error;
  if (cause instanceof ClientLeft) {
    reply.code(499).send();
    return;
  }
  const problem = problemOf(cause);
  reply.header('x-request-id', request.id);
  if (problem.problem === 'internal') request.log.error({ err: cause }, 'a defect');
  if (problem.retryAfter !== undefined) reply.header('retry-after', problem.retryAfter);
  // The rest of its body is of no use, and another request cannot follow before it.
  if (!request.raw.complete) reply.header('connection', 'close');
  if (problem.problem === 'unauthorized') reply.header('www-authenticate', 'Bearer');
  reply
    .code(problem.status)
    .type(problemType)
    .send(JSON.stringify(documentOf(problem, request.id, tellsError(request))));
}

/** Whether clients of another protocol ask: at its addresses, and at others that it has and this server has not. */
const tellsError = ({ url, routeOptions: { config } }: FastifyRequest): boolean =>
  config.tellsError ?? /^\/v2(\/|$)/.test(url);

/** What is no HTTP, or comes too slowly: there is no request to answer. */
function answerSocket(error: Error, socket: Socket): void {
  // Before its handshake is done, TLS says nothing.
  const isShaking = socket instanceof TLSSocket && socket.getCipher() === undefined;
  if (!socket.writable || isShaking) {
    socket.destroy();
    return;
  }
  const found = problemOf(error);
  const problem =
    found.problem === 'internal'
      ? new RequestProblem('bad-request', 'This is not a request of HTTP/1.1; check the client.')
      : found;
  const body = JSON.stringify(documentOf(problem, randomUUID()));
  const head = [
    `HTTP/1.1 ${problem.status} ${problem.problem}`,
    `content-type: ${problemType}`,
    `content-length: ${Buffer.byteLength(body)}`,
    'connection: close',
  ];
  socket.end(`${head.join('\r\n')}\r\n\r\n${body}`);
  // Who does not close its end too would keep the connection.
  setTimeout(() => socket.destroy(), goodbye).unref();
}
