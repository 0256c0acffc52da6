import { randomUUID } from 'node:crypto';
import { type IncomingMessage, METHODS } from 'node:http';
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
import { countText } from '../../common/count-text.js';
import { problemType } from '../../service/problem-document.js';
import { BodyPieces } from './body-pieces.js';
import { type GuardParts, Guards } from './guards.js';
import type { Metrics } from './metrics.js';
import { documentOf, problemOf, RequestProblem } from './problem.js';
import { checkHead, goAhead, takeProtocolEvents } from './protocol-events.js';
import { ClientLeft, lifeOf, whenOver } from './request-life.js';
import type { CompleteSettings } from './settings.js';
import { answerSocketError, readOnAfterAnswer } from './socket-answers.js';

declare module 'fastify' {
  interface FastifyRequest {
    /** Aborted when the work for the request is of no use any more. */
    life: AbortSignal;
    /** Called when the body is wanted. */
    goAhead: () => void;
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

/** The server, which answers by endpoints. */
export async function createApp(parts: AppParts): Promise<App> {
  const { settings, metrics, logger, tls } = parts;
  const slow = settings.slow * 1000;
  // Node cuts a request at the larger of both times.
  const times = { requestTimeout: slow, headersTimeout: slow, connectionsCheckingInterval: 1000 };
  const limits = { maxHeaderSize: maxHeaders, requireHostHeader: false, ...times };
  const app = Fastify({
    loggerInstance: logger,
    logController: new LogController({ disableRequestLogging: true, requestIdLogLabel: 'requestId' }),
    // Of the nearest one: what stands before its own entry in x-forwarded-for the client may have written.
    trustProxy: settings.trustProxy && ((_address, hop) => hop === 0),
    bodyLimit: settings.maxBody,
    requestTimeout: slow,
    keepAliveTimeout: 72_000,
    // What was accepted has been waited for by then.
    forceCloseConnections: true,
    genReqId: requestIdOf,
    return503OnClosing: false,
    frameworkErrors: (error, request, reply) => answerProblem(error, request, reply),
    clientErrorHandler: answerSocketError,
    ...(tls === undefined ? { http: limits } : { https: { ...limits, ...tls, handshakeTimeout: slow } }),
  });
  const guards = new Guards(parts);
  const pieces = new BodyPieces(settings);
  // Those that no address takes are told so by its own answer.
  for (const method of METHODS) {
    if (method !== 'CONNECT' && !app.supportedMethods.includes(method)) app.addHttpMethod(method);
  }
  // Before what may refuse a request: it ends the connection of a WebSocket that is refused, if it has seen the request.
  await app.register(websocket, {
    options: { maxPayload: settings.maxPicture },
    // Its own handler takes what a client does wrong for a defect, and ends the connection before the client is told.
    errorHandler: ({ message }, _, request) => request.log.info({ reason: message }, 'a camera broke off'),
  });
  app.decorateRequest('life');
  app.decorateRequest('goAhead');
  app.addHook('onRequest', async (request, reply) => {
    reply.header('x-request-id', request.id);
    request.life = lifeOf(request.raw, reply.raw, settings.deadline);
    whenOver(request.raw, reply.raw, () => pieces.release(request.raw));
    request.goAhead = () => goAhead(request.raw, reply.raw);
    checkHead(request.raw, reply);
  });
  app.addHook('onSend', async ({ raw }, reply) => {
    // However slowly its answer is read.
    pieces.release(raw);
    if (raw.complete || !hasBody(raw)) return;
    // The rest of its body is of no use, and another request cannot follow before it.
    reply.header('connection', 'close');
    readOnAfterAnswer(raw);
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
      // It would refuse in words of its own what is no question of a browser.
      strictPreflight: false,
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
          `This client asked more than ${countText(settings.rate, 'time')} in a minute; wait.`,
          {
            retryAfter: Math.ceil(ttl / 1000),
          },
        ),
    });
    app.addHook('onRequest', app.rateLimit());
  }
  // Behind the headers of other origins, which refusals have too, and the rate, which wrong keys count towards.
  app.addHook('onRequest', async (request, reply) => guards.check(request, reply));
  takeProtocolEvents(app);
  addParsers(app, pieces);
  return { app, guards, pieces };
}

/** Bodies as bytes: what they say is read where that holds nobody up. */
function addParsers(app: FastifyInstance, pieces: BodyPieces): void {
  app.removeContentTypeParser(['application/json', 'text/plain']);
  for (const type of [/^(image\/|application\/octet-stream$)/, 'application/json', 'multipart/form-data']) {
    app.addContentTypeParser(type, async (request: FastifyRequest, payload: IncomingMessage) =>
      pieces.read(payload, request.goAhead),
    );
  }
}

/** A part of the server whose bodies come as bytes, whatever they are called. */
export async function asBytes(
  { app, pieces }: Pick<App, 'app' | 'pieces'>,
  add: (part: FastifyInstance) => void,
): Promise<void> {
  await app.register((part, _, done) => {
    part.removeAllContentTypeParsers();
    part.addContentTypeParser('*', async (request: FastifyRequest, payload: IncomingMessage) =>
      pieces.read(payload, request.goAhead),
    );
    add(part);
    done();
  });
}

/** What a client calls its request, if that can stand in a log. */
function requestIdOf({ headers }: Pick<IncomingMessage, 'headers'>): string {
  const given = headers['x-request-id'];
  return typeof given === 'string' && /^[\w.:-]{1,100}$/.test(given) ? given : randomUUID();
}

/** Whether a request has a body, be it an empty one. */
const hasBody = ({ headers }: IncomingMessage): boolean =>
  headers['content-length'] !== undefined || headers['transfer-encoding'] !== undefined;

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
  if (problem.problem === 'unauthorized') reply.header('www-authenticate', 'Bearer');
  reply
    .code(problem.status)
    .type(problemType)
    .send(JSON.stringify(documentOf(problem, request.id, tellsError(request))));
}

/** Whether clients of another protocol ask: at its addresses, and at others that it has and this server has not. */
const tellsError = ({ url, routeOptions: { config } }: FastifyRequest): boolean =>
  config.tellsError ?? /^\/v2(\/|$)/.test(url);
