import { execFile } from 'node:child_process';
import { cp, readdir, readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { extname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const root = fileURLToPath(new URL('../../../', import.meta.url));

const types: Readonly<Record<string, string>> = {
  '.html': 'text/html',
  '.js': 'text/javascript',
  '.mjs': 'text/javascript',
  '.css': 'text/css',
  '.svg': 'image/svg+xml',
  '.wasm': 'application/wasm',
};

/** How a file is answered for: undefined as it is; otherwise with these bytes, of which a part may be promised only. */
export type Tampering = (path: string, body: Buffer) => Promise<Answer | undefined> | Answer | undefined;

export interface Answer {
  readonly body: Buffer;
  /** Bytes that the answer says it has; then it hangs up. Default: those it has. */
  readonly promised?: number;
}

export interface PageHost {
  /** Ends in a slash. */
  readonly address: string;
  /** Replaces how files are answered for. */
  tamper(how: Tampering): void;
  close(): void;
}

/**
 * Writes the page's files, weights and all, to a folder. `npm test` has built them without the weights already, and says where
 * (POSTER_PAGE).
 */
export async function writePage(folder: string): Promise<void> {
  const built = process.env['POSTER_PAGE'];
  if (built !== undefined) {
    await cp(built, folder, { recursive: true });
    const names = (await readdir(join(root, 'weights'))).filter((name) => /\.(?:onnx|safetensors)$/.test(name));
    for (const name of names) await cp(join(root, 'weights', name), join(folder, 'weights', name));
    return;
  }
  await promisify(execFile)(process.execPath, [join(root, 'scripts/bundle-page.mjs'), folder, 'complete']);
}

/** Serves a folder as hosts of static files do, which set no header but the type. */
export async function hostPage(folder: string): Promise<PageHost> {
  let how: Tampering = () => undefined;
  const server = createServer(async (request, response) => {
    const { pathname } = new URL(request.url ?? '/', 'http://localhost');
    const path = pathname === '/' ? 'index.html' : pathname.slice(1);
    const body = await readFile(join(folder, path)).catch(() => undefined);
    if (body === undefined) {
      response.writeHead(404).end();
      return;
    }
    const answer = (await how(path, body)) ?? { body };
    const { promised = answer.body.length } = answer;
    response.writeHead(200, { 'content-type': types[extname(path)] ?? '', 'content-length': promised });
    if (promised === answer.body.length) response.end(answer.body);
    else response.write(answer.body, () => response.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    address: `http://127.0.0.1:${port}/`,
    tamper: (next) => {
      how = next;
    },
    close() {
      server.closeAllConnections();
      server.close();
    },
  };
}
