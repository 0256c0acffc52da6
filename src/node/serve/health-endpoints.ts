import * as z from 'zod';
import { health } from '../../service/documents.js';
import type { Endpoint } from './endpoint.js';
import type { Metrics } from './metrics.js';
import type { NetworksState } from './networks.js';

/** Where a server is in its life. */
export type ServerState = NetworksState | 'draining';

/** For those who watch a server. */
export function healthEndpoints(state: () => ServerState, metrics: Metrics): Endpoint[] {
  const answer = { 'application/json': health };
  return [
    {
      method: 'GET',
      path: '/healthz',
      summary: 'Whether the process lives',
      answer,
      problems: [],
      guard: 'nothing',
      handler: async () => ({ status: state() }),
    },
    {
      method: 'GET',
      path: '/readyz',
      summary: 'Whether requests are answered at once: 503 while loading, also again, and while stopping',
      answer,
      problems: ['loading', 'draining'],
      guard: 'nothing',
      handler: async (_, reply) => {
        const now = state();
        reply.code(now === 'ok' ? 200 : 503);
        return { status: now };
      },
    },
    {
      method: 'GET',
      path: '/metrics',
      summary: 'Figures for Prometheus',
      answer: { 'text/plain': z.string() },
      problems: ['unauthorized', 'forbidden'],
      guard: 'key',
      handler: async (_, reply) => {
        reply.type(metrics.registry.contentType);
        return metrics.registry.metrics();
      },
    },
  ];
}
