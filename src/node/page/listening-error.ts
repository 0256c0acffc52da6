import { UserError } from '../../common/errors.js';

export interface ListeningAddress {
  readonly host: string;
  /** 0: any that is free. */
  readonly port: number;
}

/** Why a server cannot listen, as a UserError where the user can help it. */
export function listeningError(error: unknown, { host, port }: ListeningAddress): unknown {
  if (!(error instanceof Error) || !('code' in error)) return error;
  switch (error.code) {
    case 'EADDRINUSE':
      return new UserError(
        `Port ${port} of ${host} is taken by another program; choose another one, such as ${port < 65_535 ? port + 1 : port - 1}.`,
        'resources',
        {
          cause: error,
        },
      );
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
