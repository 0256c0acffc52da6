import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import { formatTable } from '../../src/node/report/index.js';
import { portrait } from '../sample-media.js';
import { median } from '../turns.js';
import { openChromium } from './chromium.js';
import type { ColdStart } from './cold-page.js';
import { openSite, type Site } from './site.js';

interface Visit {
  readonly measured: ColdStart;
  readonly bytes: number;
}

/**
 * From navigation to the first result of the sample portrait, as the page has it (WebP without loss): bytes over the wire to a browser that has nothing, as a host sends them
 * with gzip or brotli, the portrait among them; and times of a browser that was started anew, with what the visit before left in its
 * caches.
 */
export async function coldStart(runs: number): Promise<void> {
  const rows = [['visit', 'MB over the wire', 'program, ms', 'loaded, ms', 'first result, ms']];
  for (const encoding of ['gzip', 'br'] as const) {
    const profile = await mkdtemp(join(tmpdir(), 'poster-cold-'));
    const files = new Map([['/pictures/sample.webp', await sharp(portrait).webp({ lossless: true }).toBuffer()]]);
    const site = await openSite({ programs: ['cold-page'], files, encoding });
    try {
      rows.push(rowOf(`first, ${encoding}`, [await visit(site, profile)]));
      if (encoding !== 'br') continue;
      const others: Visit[] = [];
      for (let i = 0; i < runs; i++) others.push(await visit(site, profile));
      rows.push(rowOf(`again, median of ${runs}`, others));
      console.log('Files of the last visit: when each began and ended, in ms since navigation');
      const files = others.at(-1)?.measured.files ?? [];
      console.log(formatTable(files.map(([name, start, end]) => [name, start.toFixed(0), end.toFixed(0)])));
    } finally {
      site.close();
      await rm(profile, { recursive: true, force: true, maxRetries: 5 });
    }
  }
  console.log(formatTable(rows));
}

function rowOf(name: string, visits: readonly Visit[]): string[] {
  const middle = (of: (visit: Visit) => number): number => median(visits.map(of));
  return [
    name,
    (middle(({ bytes }) => bytes) / 1e6).toFixed(2),
    middle(({ measured }) => measured.program).toFixed(0),
    middle(({ measured }) => measured.loaded).toFixed(0),
    middle(({ measured }) => measured.result).toFixed(0),
  ];
}

/** By a browser of its own. */
async function visit(site: Site, profile: string): Promise<Visit> {
  const before = site.bytesSent();
  const browser = await openChromium({ profile });
  try {
    const page = await browser.page(`${site.address}cold-page`, 'coldStart');
    return { measured: await page.evaluate(() => globalThis.coldStart), bytes: site.bytesSent() - before };
  } finally {
    await browser.close();
  }
}
