import assert from 'node:assert/strict';
import { once } from 'node:events';
import { WebSocket } from 'ws';

export interface ConnectedCamera {
  readonly socket: WebSocket;
  /** The next answer. */
  next(): Promise<unknown>;
  /** The code that the connection is closed with. */
  readonly closed: Promise<number>;
}

/** A camera that is connected to a server. */
export async function connectedCamera(url: string, query = ''): Promise<ConnectedCamera> {
  const socket = new WebSocket(`${url.replace('http', 'ws')}/v1/camera${query}`);
  const received: string[] = [];
  socket.on('message', (data) => received.push(String(data)));
  const closed = once(socket, 'close').then(([code]) => Number(code));
  await once(socket, 'open');
  const next = async (): Promise<unknown> => {
    if (received.length === 0) await Promise.race([once(socket, 'message'), closed]);
    return JSON.parse(received.shift() ?? assert.fail('the camera was closed without a message'));
  };
  return { socket, next, closed };
}
