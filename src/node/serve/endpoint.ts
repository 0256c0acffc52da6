import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { z } from 'zod';
import { type ProblemName, RequestProblem } from './problem.js';

/** A file of bytes in a description of bodies. */
export const binary = Symbol('binary');

/**
 * What a request needs: nothing; a key, where the server has keys; or besides a place in the queue, which there is none of while
 * the server starts and stops.
 */
export type Guard = 'nothing' | 'key' | 'place';

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
  readonly handler: (request: FastifyRequest, reply: FastifyReply) => Promise<unknown>;
}

/** What hooks know of the endpoint of a request. */
declare module 'fastify' {
  interface FastifyContextConfig {
    readonly guard?: Guard;
  }
}

/** Has a server answer by endpoints, and tell which methods an address has. */
export function addEndpoints(app: FastifyInstance, endpoints: readonly Endpoint[]): void {
  const methods = new Map<string, string[]>();
  for (const { method, path, guard, handler } of endpoints) {
    const url = path.replaceAll(/\{(\w+)\}/g, ':$1');
    app.route({ method, url, config: { guard }, handler });
    methods.set(url, [...(methods.get(url) ?? []), method]);
  }
  for (const [url, allowed] of methods) {
    const others = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE'].filter((method) => !allowed.includes(method));
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
