import fastify from 'fastify';
import { UserError } from '../../common/errors.js';
import { pageRoutes } from './page-routes.js';

export interface PageAddress {
  readonly host: string;
  /** 0: any that is free. */
  readonly port: number;
}

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

function listeningError(error: unknown, { host, port }: PageAddress): unknown {
  if (!(error instanceof Error) || !('code' in error)) return error;
  switch (error.code) {
    case 'EADDRINUSE':
      return new UserError(`Port ${port} of ${host} is taken by another program; choose another port.`, 'resources', {
        cause: error,
      });
    case 'EACCES':
      return new UserError(`Port ${port} is not for this user; choose one from 1024 on.`, 'resources', {
        cause: error,
      });
    case 'EADDRNOTAVAIL':
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
      return new UserError(`${host} is no address of this machine; choose 127.0.0.1, or 0.0.0.0 for all.`, 'usage', {
        cause: error,
      });
    default:
      return error;
  }
}
