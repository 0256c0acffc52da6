import { readFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { extname, join } from 'node:path';

const types: Readonly<Record<string, string>> = {
  '.html': 'text/html',
  '.css': 'text/css',
  '.js': 'text/javascript',
  '.mjs': 'text/javascript',
  '.wasm': 'application/wasm',
};

export interface ServedFolder {
  readonly server: Server;
  /** Ends in a slash. */
  readonly address: string;
}

/** What stands in a server's place: another answer for some paths; undefined for the file. */
export type Answer = (
  path: string,
) => { readonly status: number; readonly type: string; readonly body: string } | undefined;

/** Serves the files of a folder, with these headers, at a free port of this machine. */
export async function serveFolder(
  folder: string,
  headers: Readonly<Record<string, string>>,
  answer: Answer = () => undefined,
): Promise<ServedFolder> {
  const server = createServer(async (request, response) => {
    const { pathname } = new URL(request.url ?? '/', 'http://localhost');
    const other = answer(pathname);
    if (other !== undefined) {
      response.writeHead(other.status, { ...headers, 'content-type': other.type }).end(other.body);
      return;
    }
    const path = pathname.endsWith('/') ? `${pathname}index.html` : pathname;
    const body = await readFile(join(folder, path)).catch(() => undefined);
    const type = types[extname(path)] ?? 'application/octet-stream';
    if (body === undefined) response.writeHead(404, headers).end();
    else response.writeHead(200, { ...headers, 'content-type': type }).end(body);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return { server, address: `http://127.0.0.1:${(server.address() as AddressInfo).port}/` };
}
