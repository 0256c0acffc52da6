import { type Browser, chromium } from 'playwright-core';

/** A headless browser for tests that talk to their page as it goes. Whoever opens it closes it. */
export function launchChromium(program: string, args: readonly string[] = []): Promise<Browser> {
  return chromium.launch({
    executablePath: program,
    // Chromium refuses to sandbox what root runs.
    chromiumSandbox: process.getuid?.() !== 0,
    args: ['--disable-gpu', '--disable-dev-shm-usage', ...args],
  });
}
