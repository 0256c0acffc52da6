/* Loading the package's weights: kept by the browser, refused where another file is there. */
import { bundledCheckpoint } from '../../src/entries/web.js';
import type { WeightsAnswer } from '../support/page-server.js';

/** What becomes of weights that are not those of the package, by what the server answers. */
export type RefusedWeights = Readonly<Record<WeightsAnswer, { readonly message: string; readonly kept: number }>>;

/** Addresses of the expression network's weights in the browser's cache. */
async function keptWeights(): Promise<string[]> {
  const keys = await (await caches.open('poster-v2')).keys();
  return keys.map(({ url }) => url).filter((url) => url.includes('.safetensors'));
}

async function refusal(answer: WeightsAnswer): Promise<{ message: string; kept: number }> {
  await fetch(`/answer/${answer}`);
  for (const url of await keptWeights()) await (await caches.open('poster-v2')).delete(url);
  const message = await bundledCheckpoint().then(
    (bytes) => `${bytes.length} bytes were taken`,
    (error: unknown) => String(error),
  );
  return { message, kept: (await keptWeights()).length };
}

export async function refusedWeights(): Promise<RefusedWeights> {
  return {
    missing: await refusal('missing'),
    short: await refusal('short'),
    long: await refusal('long'),
    cut: await refusal('cut'),
    other: await refusal('other'),
    whole: await refusal('whole'),
  };
}
