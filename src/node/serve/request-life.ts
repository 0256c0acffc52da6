import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { RequestProblem } from './problem.js';

/** Why the work for a client that has left is given up. Nobody reads it. */
export class ClientLeft extends Error {
  override readonly name = 'ClientLeft';
}

/** What is called when a connection ends: a listener for each, however many requests come in a row. */
const atEnd = new WeakMap<Socket, Set<() => void>>();

/**
 * Calls back once when a request is over: its answer is sent, or nobody reads it any more. Node closes the answer in turn of a
 * connection that ends, but none of those that wait behind it.
 */
export function whenOver({ socket }: IncomingMessage, response: ServerResponse, callback: () => void): void {
  const waiting = waitingFor(socket);
  const over = (): void => {
    response.off('close', over);
    if (waiting.delete(over)) callback();
  };
  waiting.add(over);
  response.once('close', over);
  // Nothing more would tell it.
  if (socket.closed) over();
}

function waitingFor(socket: Socket): Set<() => void> {
  const known = atEnd.get(socket);
  if (known !== undefined) return known;
  const waiting = new Set<() => void>();
  atEnd.set(socket, waiting);
  socket.once('close', () => {
    for (const over of waiting) over();
  });
  return waiting;
}

/**
 * A signal that says when the work for a request is of no use any more: its client has left, or its deadline is over. It is
 * the answer and the connection that tell when the client leaves: the request closes once its body has been read.
 * @param seconds from now
 */
export function lifeOf(request: IncomingMessage, response: ServerResponse, seconds: number): AbortSignal {
  const controller = new AbortController();
  const timer = setTimeout(() => {
    const late = `The answer was not ready within ${seconds} s; send smaller or fewer pictures, or ask again later.`;
    controller.abort(new RequestProblem('deadline', late));
  }, seconds * 1000);
  whenOver(request, response, () => {
    clearTimeout(timer);
    if (!response.writableFinished) controller.abort(new ClientLeft('The client has left.'));
  });
  return controller.signal;
}
