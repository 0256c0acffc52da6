// The page's files from its sources, by esbuild. Needs what the compiler made (dist/src).
import { createHash } from 'node:crypto';
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { basename, dirname, extname, join, relative } from 'node:path';
import { pathToFileURL } from 'node:url';
import { build } from 'esbuild';
import { marked } from 'marked';
import sharp from 'sharp';
import { withDirectImports } from './direct-imports.mjs';
import { noEval } from './no-eval.mjs';
import { root } from './steps.mjs';

const web = join(root, 'web');
const library = join(root, 'dist/src');
/** For WebAssembly, and for WebGPU. */
const runtimes = ['ort-wasm-simd-threaded', 'ort-wasm-simd-threaded.asyncify'];
const weights = readdirSync(join(root, 'weights')).filter((name) => /\.(onnx|safetensors)$/.test(name));

/**
 * Writes the page's files to a folder, which holds nothing else afterwards.
 * @param out the folder
 * @param complete whether the weights lie there too, as hosts need; `poster page` serves those of the package
 */
export async function buildPage(out, { complete }) {
  rmSync(out, { recursive: true, force: true });
  mkdirSync(out, { recursive: true });
  await bundle(out);
  const { contentSecurityPolicy } = await import(pathToFileURL(join(library, 'node/page/page-headers.js')).href);
  const html = readFileSync(join(web, 'index.html'), 'utf8').replace('{{policy}}', contentSecurityPolicy);
  writeFileSync(join(out, 'index.html'), html);
  cpSync(join(web, 'static'), out, { recursive: true });
  // The same pixels in less than half the bytes.
  await sharp(join(root, 'assets/astronaut.png')).webp({ lossless: true }).toFile(join(out, 'sample.webp'));
  for (const name of runtimes.flatMap((one) => [`${one}.mjs`, `${one}.wasm`])) {
    cpSync(join(root, 'node_modules/onnxruntime-web/dist', name), join(out, 'runtime', name));
  }
  await bundleServiceWorker(out, contentSecurityPolicy);
  if (complete) for (const name of weights) cpSync(join(root, 'weights', name), join(out, 'weights', name));
}

const namesIn = (folder, ending) => readdirSync(folder, { recursive: true }).filter((path) => path.endsWith(ending));

/** The program and the styles; and by themselves the workers that it and the package start. */
async function bundle(out) {
  const workers = [
    ...namesIn(join(library, 'web'), '-worker.js').map((path) => join(library, 'web', path)),
    ...namesIn(join(web, 'src'), '-worker.ts').map((path) => join(web, 'src', path)),
  ];
  await build({
    ...options(out),
    entryPoints: [
      { in: join(web, 'src/main.tsx'), out: 'page' },
      { in: join(web, 'src/styles/index.css'), out: 'page' },
    ],
    plugins: [withoutNetworks(), sources(withDirectImports), markdown()],
  });
  await build({
    ...options(out),
    entryPoints: workers.map((path) => ({ in: path, out: basename(path, extname(path)) })),
    plugins: [sources((text) => text)],
  });
}

const options = (out) => ({
  absWorkingDir: root,
  outdir: join(out, 'assets'),
  chunkNames: '[name]-[hash]',
  bundle: true,
  splitting: true,
  banner: { js: noEval },
  format: 'esm',
  platform: 'browser',
  target: 'es2022',
  // ONNX Runtime's own modules lie in runtime/; the program need not hold another copy.
  conditions: ['onnxruntime-web-use-extern-wasm'],
  jsx: 'automatic',
  jsxImportSource: 'preact',
  minify: true,
  legalComments: 'linked',
  logLevel: 'error',
});

/** The package's own modules, and the page's. */
const sources = (imports) => ({
  name: 'sources',
  setup({ onLoad }) {
    onLoad({ filter: /[\\/](?:dist|web)[\\/]src[\\/].*\.(?:js|tsx?)$/ }, ({ path }) => {
      const text = imports(readFileSync(path, 'utf8'), path, entryOf);
      const isOfHost = path.startsWith(join(library, 'web'));
      return { contents: isOfHost ? withPageAddresses(text, path) : text, loader: extname(path).slice(1) };
    });
  },
});

/** What the package fetches where it computes in the thread that asks. In the page nothing does: it has workers. */
const computing = new Set([
  './load-engine.js',
  './explain.js',
  '../../learn/index.js',
  '../../safetensors/checkpoint.js',
  'onnxruntime-web/wasm',
  'onnxruntime-web/webgpu',
]);
const withoutNetworks = () => ({
  name: 'without networks',
  setup({ onResolve, onLoad, onEnd }) {
    const resolved = new Set();
    onResolve({ filter: /./ }, ({ path, kind }) => {
      if (kind !== 'dynamic-import' || !computing.has(path)) return undefined;
      resolved.add(path);
      return { path, namespace: 'computing' };
    });
    onLoad({ filter: /./, namespace: 'computing' }, () => ({
      contents: "throw new Error('This browser has no workers, which the page computes in.');",
    }));
    // One that was renamed would come back into the page unseen.
    onEnd(() => ({
      errors: [...computing]
        .filter((path) => !resolved.has(path))
        .map((path) => ({ text: `${path} is not imported by anything, and so not left out of the page` })),
    }));
  },
});

const { exports: entries } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));

/** The file of an entry of the package, in browsers. */
function entryOf(specifier) {
  const [, name] = /^poster-v2(\/.*)?$/.exec(specifier) ?? [];
  if (!specifier.startsWith('poster-v2')) return undefined;
  const entry = entries[`.${name ?? ''}`];
  return join(root, entry.browser?.default ?? entry.default);
}

/**
 * Files that the package names by `new URL('...', import.meta.url)`: esbuild leaves these as they are, and they lead from the
 * module's own place. Here they lead from `assets/` to where the page has them.
 */
const withPageAddresses = (text, path) =>
  text.replace(
    /new URL\('([^']+)', import\.meta\.url\)/g,
    (_, address) => `new URL('${addressOf(join(dirname(path), address))}', import.meta.url)`,
  );

function addressOf(file) {
  if (!existsSync(file)) throw new Error(`${relative(root, file)} is named by the package, and is not there`);
  const name = basename(file);
  if (name.endsWith('-worker.js')) return `./${name}`;
  if (weights.includes(name)) return `../weights/${name}`;
  throw new Error(`${relative(root, file)} is named by the package, and the page has no place for it`);
}

/** Markdown becomes HTML when the page is built. Links within the repository lead nowhere there: their words stay. */
const markdown = () => ({
  name: 'markdown',
  setup({ onLoad }) {
    onLoad({ filter: /\.md$/ }, ({ path }) => {
      const text = readFileSync(path, 'utf8')
        .replace(/^---\n[\s\S]*?\n---\n/, '')
        .replace(/\[([^\]]*)\]\((?!https?:)[^)]*\)/g, '$1');
      const html = readable(marked.parse(text, { async: false }));
      return { contents: `export default ${JSON.stringify(html)}`, loader: 'js' };
    });
  },
});

/** What Markdown cannot say: tables without a head, cells that head nothing, and what is scrolled by keyboard. */
const readable = (html) =>
  html
    .replace(/<thead>\s*<tr>\s*(?:<th><\/th>\s*)+<\/tr>\s*<\/thead>/g, '')
    .replaceAll('<th></th>', '<td></td>')
    .replaceAll('<pre>', '<pre tabindex="0">')
    .replace(
      /<table>[\s\S]*?<\/table>/g,
      '<div class="prose-table" role="group" aria-label="Table" tabindex="0">$&</div>',
    );

/** The service worker knows each file of the page by its checksum, so that a new version fetches what has changed. */
async function bundleServiceWorker(out, policy) {
  const paths = readdirSync(out, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && !entry.name.endsWith('.txt'))
    .map((entry) => relative(out, join(entry.parentPath, entry.name)).replaceAll('\\', '/'))
    .sort();
  const checksum = (path) =>
    createHash('sha256')
      .update(readFileSync(join(out, path)))
      .digest('hex')
      .slice(0, 16);
  await build({
    entryPoints: [join(web, 'service-worker/service-worker.ts')],
    outfile: join(out, 'service-worker.js'),
    bundle: true,
    format: 'iife',
    target: 'es2022',
    minify: true,
    define: {
      FILES: JSON.stringify(Object.fromEntries(paths.map((path) => [path, checksum(path)]))),
      AFTERWARDS: JSON.stringify(
        paths.filter((path) => path.startsWith(`runtime/${runtimes[0]}.`) && !path.includes('asyncify')),
      ),
      LATER: JSON.stringify(paths.filter((path) => path.startsWith('runtime/') || path === 'sample.webp')),
      POLICY: JSON.stringify(policy),
    },
    logLevel: 'error',
  });
}
