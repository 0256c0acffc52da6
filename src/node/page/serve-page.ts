import fastify from 'fastify';
import { type ListeningAddress, listeningError } from './listening-error.js';
import { pageRoutes } from './page-routes.js';

export type PageAddress = ListeningAddress;

export interface PageServer {
  /** Where the page is, as browsers take it. */
  readonly url: string;
  close(): Promise<void>;
}

/**
 * Serves the page that comes with the package.
 * @throws UserError where the address is not to be had, or the page is not there
 */
export async function servePage({ host, port }: PageAddress): Promise<PageServer> {
  const server = fastify({ forceCloseConnections: true });
  try {
    await server.register(pageRoutes);
    await server.listen({ host, port });
  } catch (error) {
    await server.close();
    throw listeningError(error, { host, port });
  }
  const [address] = server.addresses();
  if (address === undefined || typeof address === 'string') throw new Error('a server without a port');
  return { url: `http://${urlHost(host)}:${address.port}/`, close: () => server.close() };
}

/** Of addresses that mean "all", the one that a browser on this machine takes; IPv6 in brackets. */
function urlHost(host: string): string {
  if (host === '0.0.0.0' || host === '::') return 'localhost';
  return host.includes(':') ? `[${host}]` : host;
}
