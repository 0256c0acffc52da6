import type { ServerResponse } from 'node:http';
import { RequestProblem } from './problem.js';

/** Why the work for a client that has left is given up. Nobody reads it. */
export class ClientLeft extends Error {
  override readonly name = 'ClientLeft';
}

/**
 * A signal that says when the work for a request is of no use any more: its client has left, or its deadline is over. It is
 * the answer that tells when the client leaves: the request closes once its body has been read.
 * @param seconds from now
 */
export function lifeOf(response: ServerResponse, seconds: number): AbortSignal {
  const controller = new AbortController();
  const timer = setTimeout(() => {
    const late = `The answer was not ready within ${seconds} s; send smaller or fewer pictures, or ask again later.`;
    controller.abort(new RequestProblem('deadline', late));
  }, seconds * 1000);
  response.once('close', () => {
    clearTimeout(timer);
    if (!response.writableFinished) controller.abort(new ClientLeft('The client has left.'));
  });
  return controller.signal;
}
