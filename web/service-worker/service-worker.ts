// Keeps the page's files, so that it works without a network, and answers with the headers that isolate the page from other
// sites, for hosts that cannot set them. Each file is kept under its checksum: a new version fetches what has changed.

export {};

declare const self: ServiceWorkerGlobalScope;

/** Paths from the page's folder, each with the first digits of its SHA-256 checksum; written by the build. */
declare const FILES: Readonly<Record<string, string>>;
/** Of these, what is kept when it is first used: large files, of which WebGPU's runtime is for few. */
declare const LATER: readonly string[];
/** Of the latter, what is kept once the page recognises: it explains and learns without a network, too. */
declare const AFTERWARDS: readonly string[];
declare const POLICY: string;

const cacheName = 'poster-page';

const base = new URL('./', self.location.href);
const files = new Map(Object.entries(FILES));
const later = new Set(LATER);

/** Undefined for what is no file of the page. */
function keyOf(path: string): string | undefined {
  const checksum = files.get(path);
  return checksum === undefined ? undefined : `${new URL(path, base).href}?${checksum}`;
}

self.addEventListener('install', (event) => event.waitUntil(keepAll()));

const keepAll = (): Promise<void> => keep([...files.keys()].filter((path) => !later.has(path)));

/** @throws where another file comes than was built: a version that is not whole is not installed, and the one before stays */
async function keep(paths: readonly string[]): Promise<void> {
  const cache = await caches.open(cacheName);
  for (const path of paths) {
    if ((await keptIn(cache, path)) !== undefined) continue;
    if (!(await keepIfWhole(cache, path, await fetched(path)))) {
      throw new Error(
        `The host does not send ${path} as it was built, so the page does not work offline; serve it unchanged.`,
      );
    }
  }
}

self.addEventListener('activate', (event) => event.waitUntil(removeOld().then(() => self.clients.claim())));

async function removeOld(): Promise<void> {
  const cache = await caches.open(cacheName);
  const current = new Set([...files.keys()].map(keyOf));
  for (const { url } of await cache.keys()) if (!current.has(url)) await cache.delete(url);
}

self.addEventListener('message', (event) => {
  if (event.data === 'take over') event.waitUntil(self.skipWaiting());
  // Without a network it is tried again at the next visit.
  if (event.data === 'keep the rest') event.waitUntil(keep(AFTERWARDS).catch(() => undefined));
});

self.addEventListener('fetch', (event) => {
  const { request } = event;
  const url = new URL(request.url);
  if (request.method !== 'GET' || url.origin !== base.origin || !url.pathname.startsWith(base.pathname)) return;
  const asked = url.pathname.slice(base.pathname.length);
  const path = asked === '' ? 'index.html' : asked;
  // A server may have other things below the page's folder, with headers of their own.
  if (files.has(path)) event.respondWith(answer(path, event).then(isolated));
});

async function answer(path: string, event: FetchEvent): Promise<Response> {
  const cache = await caches.open(cacheName);
  const kept = await keptIn(cache, path);
  if (kept !== undefined) return kept;
  const response = await fetched(path);
  // The page does not wait for that.
  event.waitUntil(keepIfWhole(cache, path, response.clone()));
  return response;
}

async function keptIn(cache: Cache, path: string): Promise<Response | undefined> {
  const key = keyOf(path);
  return key === undefined ? undefined : cache.match(key);
}

/** The browser's own cache must ask: what it has may be another version's. */
const fetched = (path: string): Promise<Response> => fetch(new URL(path, base), { cache: 'no-cache' });

/**
 * Networks that want a login answer with pages of their own, whatever is asked for: kept, one would stay for good.
 * @returns whether it is the file that was built; storage that is full or forbidden keeps nobody from the page
 */
async function keepIfWhole(cache: Cache, path: string, response: Response): Promise<boolean> {
  const [key, checksum] = [keyOf(path), files.get(path)];
  if (key === undefined || checksum === undefined || !response.ok) return false;
  const copy = response.clone();
  const bytes = await response.arrayBuffer().catch(() => undefined);
  if (bytes === undefined) return false;
  const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', bytes));
  const isWhole = [...digest]
    .map((byte) => byte.toString(16).padStart(2, '0'))
    .join('')
    .startsWith(checksum);
  if (isWhole) await cache.put(key, copy).catch(() => undefined);
  return isWhole;
}

function isolated(response: Response): Response {
  // An answer without a status cannot be copied.
  if (response.status === 0) return response;
  const headers = new Headers(response.headers);
  headers.set('cross-origin-opener-policy', 'same-origin');
  headers.set('cross-origin-embedder-policy', 'require-corp');
  headers.set('cross-origin-resource-policy', 'same-origin');
  headers.set('content-security-policy', POLICY);
  if (headers.has('content-encoding')) {
    // The body is unpacked here.
    headers.delete('content-encoding');
    headers.delete('content-length');
  }
  const { status, statusText, body } = response;
  const hasBody = status !== 204 && status !== 304;
  return new Response(hasBody ? body : null, { status, statusText, headers });
}
