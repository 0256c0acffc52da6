import { type ChildProcess, spawn } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';

const programs = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable'] as const;

/** Path of an installed Chromium or Chrome; `CHROME_PATH` says which. */
export function findChromium(): string | undefined {
  const { CHROME_PATH, PATH = '' } = process.env;
  const paths = PATH.split(delimiter).flatMap((folder) => programs.map((program) => join(folder, program)));
  return [...(CHROME_PATH === undefined ? [] : [CHROME_PATH]), ...paths].find((path) => {
    try {
      accessSync(path, constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}

export interface OpenBrowser {
  /** Resolves when the browser ends, with what it printed. */
  readonly ended: Promise<string>;
  close(): Promise<void>;
}

/** A headless browser on an address, with a profile of its own, that asks nobody else for anything. */
export async function openChromium(program: string, address: string): Promise<OpenBrowser> {
  const profile = await mkdtemp(join(tmpdir(), 'poster-chromium-'));
  // Chromium refuses to sandbox what root runs.
  const asRoot = process.getuid?.() === 0 ? ['--no-sandbox'] : [];
  const quiet = ['--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync'];
  const args = [
    '--headless',
    '--disable-gpu',
    // WebGPU in software: slow, and the same everywhere.
    '--enable-unsafe-webgpu',
    '--use-webgpu-adapter=swiftshader',
    '--disable-dev-shm-usage',
    '--disable-quic',
    ...quiet,
    ...asRoot,
    `--user-data-dir=${profile}`,
  ];
  const child = spawn(program, [...args, address], { stdio: ['ignore', 'pipe', 'pipe'], detached: true });
  const printed: Buffer[] = [];
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (data: Buffer) => printed.push(data));
  const ended = new Promise<string>((resolve, reject) => {
    child.on('error', reject);
    child.on('close', () => resolve(Buffer.concat(printed).toString()));
  });
  return {
    ended,
    async close() {
      end(child);
      await ended.catch(() => undefined);
      await rm(profile, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 });
    },
  };
}

/** With the processes it started, which hold its profile. */
function end(child: ChildProcess): void {
  if (child.pid === undefined || child.exitCode !== null) return;
  try {
    process.kill(-child.pid, 'SIGKILL');
  } catch {
    child.kill('SIGKILL');
  }
}
