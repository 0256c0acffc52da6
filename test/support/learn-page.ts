import type { AddressInfo } from 'node:net';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { type Browser, chromium, type Page } from 'playwright-core';
import { pageServer } from './page-server.js';

const dist = new URL('../../', import.meta.url);

export interface OpenPage {
  readonly page: Page;
  close(): Promise<void>;
}

/**
 * A page in Chromium that has loaded a module, with the workers that the package starts.
 * @param entry the module, below `dist`
 * @param files served beside it, by path
 */
export async function openModulePage(
  program: string,
  entry: string,
  files: ReadonlyMap<string, Uint8Array>,
): Promise<OpenPage> {
  const bundle = await build({
    entryPoints: {
      page: fileURLToPath(new URL(entry, dist)),
      ...Object.fromEntries(
        ['learn/learn-worker', 'learn/export-worker', 'workers/recognition-worker'].map((path) => [
          path.replace(/.*\//, ''),
          fileURLToPath(new URL(`src/web/${path}.js`, dist)),
        ]),
      ),
    },
    bundle: true,
    format: 'esm',
    platform: 'browser',
    target: 'es2022',
    outdir: '/',
    write: false,
  });
  const all = new Map([...files, ...bundle.outputFiles.map(({ path, contents }) => [path, contents] as const)]);
  const { server } = pageServer(all, '<!doctype html><script type="module" src="/page.js"></script>', () => undefined);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const closeServer = (): void => {
    server.closeAllConnections();
    server.close();
  };
  let browser: Browser | undefined;
  try {
    // Chromium refuses to sandbox what root runs.
    const asRoot = process.getuid?.() === 0 ? ['--no-sandbox'] : [];
    browser = await chromium.launch({
      executablePath: program,
      args: ['--disable-dev-shm-usage', '--disable-gpu', ...asRoot],
    });
    const page = await browser.newPage();
    page.setDefaultTimeout(180_000);
    await page.goto(`http://127.0.0.1:${port}/`, { waitUntil: 'load' });
    return {
      page,
      async close() {
        await browser?.close();
        closeServer();
      },
    };
  } catch (error) {
    await browser?.close();
    closeServer();
    throw error;
  }
}
