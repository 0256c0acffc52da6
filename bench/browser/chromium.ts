import { readdirSync, readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type BrowserContext, chromium, type Page } from 'playwright-core';
import { findChromium } from '../../test/support/chromium.js';
import { residentMegabytes } from '../resident.js';

export interface Chromium {
  readonly version: string;
  /** A page at an address, once its program offers what `name` is. What the page says goes to the error output. */
  page(address: string, name: string): Promise<Page>;
  /** Of all its processes, in MB. */
  residentMegabytes(): number;
  close(): Promise<void>;
}

/** The software adapters of Chromium, since what is measured is a machine without a GPU; a person's browser has its own. */
const software = ['--use-angle=swiftshader', '--enable-unsafe-swiftshader', '--ignore-gpu-blocklist'];
export const webGpu = ['--enable-unsafe-webgpu', '--use-webgpu-adapter=swiftshader', '--enable-features=Vulkan'];

export interface ChromiumOptions {
  readonly args?: readonly string[];
  /** Folder of the profile, which stays; default: one that goes with the browser. */
  readonly profile?: string;
}

/** In milliseconds; busy machines take minutes. */
const patience = 600_000;

/** @throws Error where none is installed */
export async function openChromium({ args = [], profile }: ChromiumOptions = {}): Promise<Chromium> {
  const executablePath = findChromium();
  if (executablePath === undefined) {
    throw new Error('There is no Chromium or Chrome here; install one, or name its program in CHROME_PATH.');
  }
  const folder = profile ?? (await mkdtemp(join(tmpdir(), 'poster-bench-chromium-')));
  const context: BrowserContext = await chromium.launchPersistentContext(folder, {
    executablePath,
    headless: true,
    timeout: patience,
    viewport: { width: 1280, height: 800 },
    permissions: ['camera'],
    args: [...software, ...args, ...(process.getuid?.() === 0 ? ['--no-sandbox'] : [])],
  });
  return {
    version: context.browser()?.version() ?? 'Chromium',
    async page(address, name) {
      const page = await context.newPage();
      const failed = new Promise<never>((_, reject) => page.on('pageerror', reject));
      // A page whose program waits is not loaded until that is done.
      await page.goto(address, { waitUntil: 'commit', timeout: patience });
      const ready = page.waitForFunction((what) => what in globalThis, name, { timeout: patience, polling: 100 });
      await Promise.race([ready, failed]);
      failed.catch((error: unknown) => console.error(`A page failed: ${String(error)}`));
      return page;
    },
    residentMegabytes: () => processesOf(folder).reduce((sum, pid) => sum + residentMegabytes(pid), 0),
    async close() {
      await context.close();
      if (profile === undefined) await rm(folder, { recursive: true, force: true, maxRetries: 5 });
    },
  };
}

/** A browser names its profile to all processes that it starts, and to itself; those it forks have their parent's line. */
function processesOf(profile: string): number[] {
  const parents = new Map<number, number>();
  const named = new Set<number>();
  for (const entry of readdirSync('/proc')) {
    const pid = Number(entry);
    if (!Number.isInteger(pid)) continue;
    try {
      const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
      parents.set(pid, Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]));
      if (readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes(profile)) named.add(pid);
    } catch {
      // It has just ended.
    }
  }
  const belongs = (pid: number | undefined): boolean =>
    pid !== undefined && pid > 1 && (named.has(pid) || belongs(parents.get(pid)));
  return [...parents.keys()].filter(belongs);
}
