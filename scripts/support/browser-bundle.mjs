// `poster-v2` for pages without a bundler: a few modules that import nothing but each other. Needs what the compiler made (dist/src).
import { readdirSync, readFileSync, rmSync } from 'node:fs';
import { basename, join } from 'node:path';
import { build } from 'esbuild';
import { noEval } from './no-eval.mjs';

/** What stands beside the script on the page's server. */
const folders = { weights: './weights/', runtime: './runtime/' };

/**
 * Writes the modules of `poster-v2`, and the workers that it starts, to a folder that holds nothing else afterwards.
 * @param installed folder of the package
 * @param out default: where the package has it
 */
export async function bundleForBrowsers(installed, out = join(installed, 'dist/browser')) {
  const library = join(installed, 'dist/src');
  const workers = readdirSync(join(library, 'web'), { recursive: true }).filter((path) => path.endsWith('-worker.js'));
  rmSync(out, { recursive: true, force: true });
  await build({
    absWorkingDir: installed,
    entryPoints: [
      { in: 'poster-v2', out: 'poster-v2' },
      ...workers.map((path) => ({ in: join(library, 'web', path), out: basename(path, '.js') })),
    ],
    outdir: out,
    chunkNames: '[name]-[hash]',
    bundle: true,
    splitting: true,
    banner: { js: noEval },
    format: 'esm',
    platform: 'browser',
    target: 'es2022',
    // ONNX Runtime's own modules lie in runtime/, for threads need a file of their own; the script need not hold another copy.
    conditions: ['onnxruntime-web-use-extern-wasm'],
    minify: true,
    legalComments: 'linked',
    plugins: [entry(library), relocatedAddresses(library)],
    logLevel: 'error',
  });
}

/** The package's entry for pages, told where ONNX Runtime lies. */
const entry = (library) => ({
  name: 'entry',
  setup({ onResolve, onLoad }) {
    onResolve({ filter: /^poster-v2$/ }, ({ path }) => ({ path, namespace: 'entry' }));
    onLoad({ filter: /.*/, namespace: 'entry' }, () => ({
      contents: `
        import { configureRuntime } from './entries/web.js';
        configureRuntime({ wasmPaths: new URL('${folders.runtime}', import.meta.url) });
        export * from './entries/web.js';`,
      resolveDir: library,
    }));
  },
});

/** Addresses that lead from the package's own modules lead from the script's folder instead. */
const relocatedAddresses = (library) => ({
  name: 'places beside the script',
  setup({ onLoad }) {
    onLoad({ filter: /\.js$/ }, ({ path }) => {
      if (!path.startsWith(join(library, 'web'))) return undefined;
      const contents = readFileSync(path, 'utf8').replace(
        /new URL\('([^']+)', import\.meta\.url\)/g,
        (_, address) => `new URL('${relocatedAddress(address)}', import.meta.url)`,
      );
      return { contents, loader: 'js' };
    });
  },
});

function relocatedAddress(address) {
  const name = basename(address);
  if (name.endsWith('-worker.js')) return `./${name}`;
  if (/\.(onnx|safetensors)$/.test(name)) return `${folders.weights}${name}`;
  throw new Error(`the package names ${address}, for which there is no place beside the script`);
}
