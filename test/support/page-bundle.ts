import { basename } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

/**
 * A page's program of `test/browser`, and the worker that the package starts for it, bundled as for any page: the package by its
 * name, nothing left out.
 * @returns by the paths that a server has them under
 */
export async function bundlePage(name: string): Promise<[path: string, content: Uint8Array][]> {
  const { outputFiles } = await build({
    entryPoints: [`../browser/${name}`, '../../src/web/workers/recognition-worker.js'].map((path) =>
      fileURLToPath(new URL(path, import.meta.url)),
    ),
    entryNames: '[name]',
    outdir: '/',
    bundle: true,
    format: 'esm',
    platform: 'browser',
    target: 'es2022',
    write: false,
  });
  return outputFiles.map(({ path, contents }) => [`/${basename(path)}`, contents]);
}
