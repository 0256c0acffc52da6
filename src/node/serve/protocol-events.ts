import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import type { FastifyInstance, FastifyReply } from 'fastify';
import { printable } from '../../common/printable.js';
import { RequestProblem } from './problem.js';
import { answerOnSocket } from './socket-answers.js';

// What Node tells a server by events of their own, and what of a head only the protocol cares about.

/** Where Node would answer by itself, without a body or not at all, the server does. */
export function takeProtocolEvents(app: FastifyInstance): void {
  const server: Server = app.server;
  const asRequest = (request: IncomingMessage, response: ServerResponse): void => {
    server.emit('request', request, response);
  };
  // Whether the body may come is said when it is wanted (`goAhead`), what else is expected is refused (`checkHead`).
  server.on('checkContinue', asRequest).on('checkExpectation', asRequest);
  server.on('connect', (_, socket: Duplex) => {
    answerOnSocket(socket, new RequestProblem('method-not-allowed', 'This is no proxy; ask the other server itself.'));
  });
  app.websocketServer.on('wsClientError', ({ message }: Error, socket: Duplex) => {
    const sentence = `The WebSocket cannot be opened (${message}); check the client.`;
    answerOnSocket(socket, new RequestProblem('bad-request', sentence), { 'sec-websocket-version': '13' });
  });
  ignoreOtherUpgrades(server);
}

/**
 * Answers requests that wish for another protocol than WebSocket as if they did not, as RFC 9110 has it: curl and Java ask for HTTP/2
 * with whatever they send first. Node gives the connection away before the body of such a request, so it gets it back as a new
 * one, with the request without its wish.
 */
function ignoreOtherUpgrades(server: Server): void {
  const accept = server.listeners('upgrade');
  server.removeAllListeners('upgrade');
  server.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    if (request.method === 'GET' && request.headers.upgrade?.toLowerCase() === 'websocket') {
      for (const listener of accept) listener.call(server, request, socket, head);
      return;
    }
    socket.unshift(Buffer.concat([headWithoutUpgrade(request), head]));
    server.emit('encrypted' in socket ? 'secureConnection' : 'connection', socket);
  });
}

const hopByHop: readonly string[] = ['upgrade', 'http2-settings'];

function headWithoutUpgrade({ method, url, httpVersion, rawHeaders }: IncomingMessage): Buffer {
  const lines = [`${method} ${url} HTTP/${httpVersion}`];
  for (let i = 0; i + 1 < rawHeaders.length; i += 2) {
    const [name = '', value = ''] = rawHeaders.slice(i, i + 2);
    const lower = name.toLowerCase();
    if (hopByHop.includes(lower)) continue;
    const kept = value.split(',').filter((token) => !hopByHop.includes(token.trim().toLowerCase()));
    if (lower !== 'connection') lines.push(`${name}: ${value}`);
    else if (kept.length > 0) lines.push(`${name}:${kept.join(',')}`);
  }
  return Buffer.from(`${lines.join('\r\n')}\r\n\r\n`, 'latin1');
}

/** @throws RequestProblem for a head that cannot be answered, whatever is asked */
export function checkHead(
  { httpVersion, rawHeaders, headers }: IncomingMessage,
  reply: Pick<FastifyReply, 'header'>,
): void {
  const hosts = rawHeaders.filter((name, i) => i % 2 === 0 && name.toLowerCase() === 'host').length;
  if (hosts > 1 || (hosts === 0 && httpVersion !== '1.0')) {
    throw new RequestProblem('bad-request', 'The request does not have one header host; send HTTP/1.1 with one.');
  }
  const { expect, 'content-encoding': content = 'identity', 'transfer-encoding': transfer = 'chunked' } = headers;
  if (expect !== undefined && !/^100-continue$/i.test(expect)) {
    const sentence = `The header expect asks for ${printable(expect, 40)}, which this server does not know; leave it out.`;
    throw new RequestProblem('expectation-failed', sentence);
  }
  if (!/^identity$/i.test(content)) {
    reply.header('accept-encoding', 'identity');
    throw compressed(content);
  }
  if (!/^(identity|chunked)$/i.test(transfer)) throw compressed(transfer);
}

const compressed = (encoding: string): RequestProblem =>
  new RequestProblem(
    'unsupported-media-type',
    `The body is compressed (${printable(encoding, 40)}); send it as it is.`,
  );

/** Has a client send the body that it asked leave for. */
export function goAhead({ headers }: IncomingMessage, response: ServerResponse): void {
  if (headers.expect !== undefined && !response.headersSent) response.writeContinue();
}
