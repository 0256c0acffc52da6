import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The environment in which a new process finds a WebGPU adapter, or why there is none. */
export type Adapter =
  | { readonly found: true; readonly env: NodeJS.ProcessEnv; readonly software: boolean; readonly release: () => void }
  | { readonly found: false; readonly reason: string };

/** Where Chromium and Chrome keep SwiftShader, a Vulkan device in software. Debian's package is the first. */
const swiftShaderFolders = ['/usr/lib/chromium', '/usr/lib64/chromium-browser', '/opt/google/chrome'];

/**
 * An adapter as the machine has it, or SwiftShader of an installed Chromium. Vulkan's loader reads the environment once, so
 * tests on WebGPU run in a process of their own.
 */
export function findAdapter(): Adapter {
  const asIs = { ...process.env };
  if (works(asIs)) return { found: true, env: asIs, software: false, release: () => undefined };
  for (const folder of swiftShaderFolders) {
    const description = join(folder, 'vk_swiftshader_icd.json');
    const library = join(folder, 'libvk_swiftshader.so');
    if (!existsSync(description) || !existsSync(library)) continue;
    const own = mkdtempSync(join(tmpdir(), 'poster-webgpu-'));
    const release = (): void => rmSync(own, { recursive: true, force: true });
    const icd = join(own, 'icd.json');
    const content = JSON.parse(readFileSync(description, 'utf8')) as { ICD: { library_path: string } };
    // The path there is relative, and the loader does not look beside the file.
    writeFileSync(icd, JSON.stringify({ ...content, ICD: { ...content.ICD, library_path: library } }));
    const env = { ...asIs, VK_DRIVER_FILES: icd, VK_ICD_FILENAMES: icd };
    if (works(env)) return { found: true, env, software: true, release };
    release();
  }
  return { found: false, reason: 'no WebGPU adapter here, and no Chromium with SwiftShader beside it' };
}

function works(env: NodeJS.ProcessEnv): boolean {
  const module = new URL('../../src/runtime/index.js', import.meta.url).href;
  const script = `const { chooseDevice } = await import(${JSON.stringify(module)}); await chooseDevice('webgpu');`;
  return run(['--input-type=module', '--eval', script], env).status === 0;
}

export interface Finished {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a script of this package with Node in that environment. */
export function runScript(script: URL, env: NodeJS.ProcessEnv, args: readonly string[]): Finished {
  return run([fileURLToPath(script), ...args], env);
}

function run(args: readonly string[], env: NodeJS.ProcessEnv): Finished {
  // Without the test runner's mark: with it the child would take itself for one of the runner's files.
  const { NODE_TEST_CONTEXT: _, ...rest } = env;
  const { status, signal, stdout, stderr } = spawnSync(process.execPath, args, { env: rest, encoding: 'utf8' });
  return { status, stdout, stderr: signal === null ? stderr : `${stderr}\nended by ${signal}` };
}
