import { randomUUID } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { TLSSocket } from 'node:tls';
import { problemType } from '../../service/problem-document.js';
import { documentOf, problemOf, RequestProblem } from './problem.js';

/** Milliseconds in which a client may read why its connection ends. */
const goodbye = 2000;

/** Answers on a connection where there is no request to answer, and ends it. */
export function answerOnSocket(
  socket: Duplex,
  problem: RequestProblem,
  headers: Readonly<Record<string, string>> = {},
): void {
  const body = JSON.stringify(documentOf(problem, randomUUID()));
  const head = {
    'content-type': problemType,
    'content-length': Buffer.byteLength(body),
    connection: 'close',
    ...headers,
  };
  const lines = [
    `HTTP/1.1 ${problem.status} ${problem.problem}`,
    ...Object.entries(head).map(([name, value]) => `${name}: ${value}`),
  ];
  socket.end(`${lines.join('\r\n')}\r\n\r\n${body}`);
  // Who does not close its end too would keep the connection.
  setTimeout(() => socket.destroy(), goodbye).unref();
}

/** What is no HTTP, or comes too slowly. */
export function answerSocketError(error: Error, socket: Socket): void {
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
  answerOnSocket(socket, problem);
}

/**
 * Has the connection of a request whose body is still coming read on for a while after the answer. Node would close it at once: a
 * client that still writes is told of that before it reads why.
 */
export function readOnAfterAnswer(request: IncomingMessage): void {
  const { socket } = request;
  // What Node calls at the end of a connection's last answer.
  socket.destroySoon = () => {
    socket.end();
    const destroy = (): void => {
      clearTimeout(timer);
      socket.destroy();
    };
    const timer = setTimeout(destroy, goodbye);
    if (request.complete) destroy();
    else request.resume().once('end', destroy).once('close', destroy);
  };
}
