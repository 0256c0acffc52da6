const triedKey = 'poster-page-reloaded';
/** In milliseconds: a host that is slower than that serves the page on one thread. */
const patience = 10_000;

/**
 * Starts the service worker. On hosts that cannot set headers it isolates the page from other sites, which threads need: then
 * the page is loaded once more, unless the visitor has begun to use it.
 * @returns false where that is under way, and nothing should be started
 */
export async function startServiceWorker(onUpdate: (take: () => void) => void): Promise<boolean> {
  let isUsed = false;
  for (const type of ['pointerdown', 'keydown', 'change', 'drop', 'paste']) {
    addEventListener(
      type,
      () => {
        isUsed = true;
      },
      { once: true, capture: true },
    );
  }
  if (!('serviceWorker' in navigator) || !isSecureContext) return true;
  try {
    const registration = await navigator.serviceWorker.register('service-worker.js');
    watchUpdates(registration, onUpdate);
    if (crossOriginIsolated || sessionStorage.getItem(triedKey) !== null) return true;
    const isThere = await Promise.race([
      navigator.serviceWorker.ready.then(() => true),
      new Promise<false>((resolve) => setTimeout(() => resolve(false), patience)),
    ]);
    // What is open would be gone. The next visit is isolated from its start.
    if (!isThere || isUsed) return true;
    sessionStorage.setItem(triedKey, 'yes');
    location.reload();
    return false;
  } catch {
    // Private windows of some browsers have none: the page works, as long as there is a network.
    return true;
  }
}

/** Has the service worker keep what the page needs later: files that nothing waits for. */
export function keepTheRest(): void {
  if ('serviceWorker' in navigator) navigator.serviceWorker.controller?.postMessage('keep the rest');
}

/** A new version waits until the visitor takes it: the old one's files are still in use. */
function watchUpdates(registration: ServiceWorkerRegistration, onUpdate: (take: () => void) => void): void {
  const offer = (waiting: ServiceWorker): void =>
    onUpdate(() => {
      navigator.serviceWorker.addEventListener('controllerchange', () => location.reload(), { once: true });
      waiting.postMessage('take over');
    });
  if (registration.waiting !== null && navigator.serviceWorker.controller !== null) offer(registration.waiting);
  registration.addEventListener('updatefound', () => {
    const { installing } = registration;
    installing?.addEventListener('statechange', () => {
      if (installing.state === 'installed' && navigator.serviceWorker.controller !== null) offer(installing);
    });
  });
}
