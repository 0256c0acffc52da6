import { readFile } from 'node:fs/promises';
import { basename } from 'node:path';
import wabt from 'wabt';

/** Kernels with a readable source NAME.wat. NAME-module.ts beside it holds the compiled bytes: a build needs TypeScript only. */
export const kernels = ['src/optim/adam-kernel'] as const;

/**
 * The text of NAME-module.ts.
 * @param kernel one of `kernels`
 * @param root URL of the project's folder
 */
export async function moduleText(kernel: string, root: URL): Promise<string> {
  const name = basename(kernel);
  const { parseWat } = await wabt();
  const parsed = parseWat(`${name}.wat`, await readFile(new URL(`${kernel}.wat`, root), 'utf8'), { simd: true });
  const base64 = Buffer.from(parsed.toBinary({}).buffer).toString('base64');
  parsed.destroy();
  const lines = (base64.match(/.{1,100}/g) ?? []).map((line) => `  '${line}'`);
  return `// Made from ${name}.wat by scripts/compile-kernels.mjs: do not edit.

/** The WebAssembly module, base64. */
export const wasm =
${lines.join(' +\n')};
`;
}
