import assert from 'node:assert/strict';
import type { AddressInfo } from 'node:net';
import { findChromium, openChromium } from './chromium.js';
import { bundlePage } from './page-bundle.js';
import { pageServer } from './page-server.js';

/** What keeps the page from starting is told too. */
const html = (program: string): string => `<!doctype html><title>poster-v2</title><script>
  const tell = (error) => fetch('/seen', { method: 'POST', body: JSON.stringify({ error: String(error) }) });
  addEventListener('error', ({ message, filename, lineno }) => tell(message + ' in ' + filename + ':' + lineno));
  addEventListener('unhandledrejection', ({ reason }) => tell(reason));
</script><script type="module" src="/${program}.js" onerror="tell('${program}.js cannot be loaded')"></script>`;

/** In milliseconds; a visit takes half a minute, and longer where other work has the cores. */
const patience = 300_000;

export interface Visit<Report> {
  /** What the pages told, together. */
  readonly report: Report;
  /** How often each path was asked for. */
  readonly asked: ReadonlyMap<string, number>;
}

export interface VisitOptions<Report> {
  /** The module of the page, from `test/browser`, without its ending. */
  readonly program: string;
  /** Served under these paths, beside what the package and ONNX Runtime need. */
  readonly files: ReadonlyMap<string, Uint8Array | string>;
  /** Whether pages have told everything. */
  readonly isComplete: (report: Partial<Report>) => report is Report;
}

/**
 * Opens a page of the test in a browser, until it has told everything.
 * @returns a sentence where there is no browser, or none that starts
 */
export async function visitBrowser<Report extends object>({
  program,
  files,
  isComplete,
}: VisitOptions<Report>): Promise<Visit<Report> | string> {
  const chromium = findChromium();
  if (chromium === undefined) return 'no Chromium or Chrome here (CHROME_PATH says where one is)';
  type News = { readonly report: Report } | { readonly error: string };
  let [reached, tell] = [false, (_: News): void => undefined];
  const heard = new Promise<News>((resolve) => {
    tell = resolve;
  });
  let all: Partial<Report> & { readonly error?: string } = {};
  const { server, asked } = pageServer(
    new Map([...(await bundlePage(`${program}.js`)), ...files]),
    html(program),
    (text) => {
      reached = true;
      if (text === undefined) return;
      all = { ...all, ...(JSON.parse(text) as typeof all) };
      if (all.error !== undefined) tell({ error: all.error });
      else if (isComplete(all)) tell({ report: all });
    },
  );
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const browser = await openChromium(chromium, `http://127.0.0.1:${port}/`);
  const timer = setTimeout(
    () => tell({ error: `nothing came within ${patience / 1000} s after ${[...asked.keys()].at(-1)}` }),
    patience,
  );
  try {
    const ended = browser.ended.then((printed): News => ({ error: `the browser ended: ${printed}` }));
    const news = await Promise.race([heard, ended]);
    if ('report' in news) return { report: news.report, asked };
    if (!reached) return `${chromium} does not start here: ${news.error}`;
    return assert.fail(news.error);
  } finally {
    clearTimeout(timer);
    await browser.close();
    server.closeAllConnections();
    server.close();
  }
}
