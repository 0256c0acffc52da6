import type { WebSocket } from '@fastify/websocket';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type * as z from 'zod';
import type { ProblemName } from '../../service/problem-document.js';
import { RequestProblem } from './problem.js';

/** A file of bytes in a description of bodies. */
export const binary = Symbol('binary');

/**
 * What a request needs: nothing; a key, where the server has keys; besides a server that neither starts nor stops (`camera`); and
 * besides a place in the queue.
 */
export type Guard = 'nothing' | 'key' | 'camera' | 'place';

/** An address and what it does: the server answers by it, and the OpenAPI document is made of it. */
export interface Endpoint {
  readonly method: 'GET' | 'POST';
  /** With parameters as OpenAPI writes them: `/v2/models/{name}`. */
  readonly path: string;
  readonly summary: string;
  readonly description?: string;
  /** What the address may have after its question mark. */
  readonly query?: z.ZodObject;
  /** By content type. */
  readonly body?: Readonly<Record<string, z.ZodType | typeof binary>>;
  /** By content type. */
  readonly answer: Readonly<Record<string, z.ZodType | typeof binary>>;
  readonly problems: readonly ProblemName[];
  readonly guard: Guard;
  /** Whether problems tell their sentence at `error` too, where clients of another protocol look for it. */
  readonly tellsError?: boolean;
  readonly handler: (request: FastifyRequest, reply: FastifyReply) => Promise<unknown>;
  /** What is done with a WebSocket that asks here. */
  readonly socket?: (socket: WebSocket, request: FastifyRequest) => void;
}

/** What hooks know of the endpoint of a request. */
declare module 'fastify' {
  interface FastifyContextConfig {
    readonly guard?: Guard;
    readonly tellsError?: boolean;
  }
}

/** Has a server answer by endpoints, and tell which methods an address has. */
export function addEndpoints(app: FastifyInstance, endpoints: readonly Endpoint[]): void {
  const methods = new Map<string, string[]>();
  for (const { method, path, guard, tellsError = false, handler, socket } of endpoints) {
    const url = path.replaceAll(/\{(\w+)\}/g, ':$1');
    app.route({
      method,
      url,
      config: { guard, tellsError },
      handler,
      ...(socket === undefined ? {} : { wsHandler: socket }),
    });
    methods.set(url, [...(methods.get(url) ?? []), method]);
  }
  for (const [url, allowed] of methods) {
    const taken = allowed.includes('GET') ? [...allowed, 'HEAD'] : allowed;
    const others = app.supportedMethods.filter((method) => !taken.includes(method));
    app.route({
      method: others,
      url,
      // Before its body is read.
      onRequest: async (request, reply) => {
        reply.header('allow', allowed.join(', '));
        throw new RequestProblem(
          'method-not-allowed',
          `This address does not take ${request.method}; use ${allowed.join(' or ')}.`,
        );
      },
      handler: async () => undefined,
    });
  }
}
