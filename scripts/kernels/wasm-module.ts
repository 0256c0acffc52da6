import { readFile } from 'node:fs/promises';
import { basename } from 'node:path';
import asc from 'assemblyscript/asc';
import wabt from 'wabt';

/**
 * Kernels with a readable source: NAME.wat, WebAssembly's text, or NAME.as, AssemblyScript. NAME-module.ts beside it holds the compiled
 * bytes: a build needs TypeScript only.
 */
export const kernels = ['src/optim/adam-kernel.wat', 'src/wasm/kernels.as', 'src/wasm/graph-kernels.as'] as const;

export type Kernel = (typeof kernels)[number];

/** A constant of a compiled kernel's module. */
interface Binary {
  readonly name: string;
  readonly says: string;
  readonly bytes: Uint8Array;
}

/** Where a kernel's compiled bytes are. */
export const moduleOf = (kernel: Kernel): string => kernel.replace(/\.\w+$/, '-module.ts');

/**
 * The text of NAME-module.ts.
 * @param root URL of the project's folder
 */
export async function moduleText(kernel: Kernel, root: URL): Promise<string> {
  const source = await readFile(new URL(kernel, root), 'utf8');
  const name = basename(kernel);
  const binaries = kernel.endsWith('.wat') ? [await fromText(name, source)] : await fromAssemblyScript(name, source);
  const constants = binaries.map(({ name, says, bytes }) => {
    const lines = (
      Buffer.from(bytes)
        .toString('base64')
        .match(/.{1,100}/g) ?? []
    ).map((line) => `  '${line}'`);
    return `\n/** ${says}, base64. */\nexport const ${name} =\n${lines.join(' +\n')};\n`;
  });
  return `// Made from ${name} by scripts/compile-kernels.mjs: do not edit.\n${constants.join('')}`;
}

async function fromText(name: string, source: string): Promise<Binary> {
  const { parseWat } = await wabt();
  const parsed = parseWat(name, source, { simd: true });
  const { buffer } = parsed.toBinary({});
  parsed.destroy();
  return { name: 'wasm', says: 'The WebAssembly module', bytes: buffer };
}

async function fromAssemblyScript(name: string, source: string): Promise<Binary[]> {
  return [
    { name: 'wasm', says: 'The WebAssembly module', bytes: await compiled(name, source, []) },
    {
      name: 'relaxedWasm',
      says: 'The same with relaxed SIMD: products and sums are rounded as the machine does it fastest',
      bytes: await compiled(name, source, ['--enable', 'relaxed-simd']),
    },
  ];
}

/** The compiler takes files that end in .ts. Ours do not: they are no TypeScript. */
async function compiled(name: string, source: string, features: readonly string[]): Promise<Uint8Array> {
  const file = name.replace(/\.as$/, '.ts');
  const simd = ['--enable', 'simd', ...features];
  // Its caller gives the memory, as large as it needs to be; nothing is allocated within.
  const memory = ['--runtime', 'stub', '--importMemory', '--initialMemory', '0'];
  let bytes: Uint8Array | undefined;
  const { error, stderr } = await asc.main([file, '-O3', '--noAssert', ...simd, ...memory, '--outFile', 'out.wasm'], {
    readFile: (path) => (path === file ? source : null),
    writeFile: (_, contents) => {
      if (typeof contents !== 'string') bytes = contents;
    },
    listFiles: () => [],
  });
  if (error !== null || bytes === undefined) throw new Error(`${name} cannot be compiled: ${stderr.toString()}`);
  return bytes;
}
