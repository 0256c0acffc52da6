/*
 * What test/browser.test.ts has a browser do: find the faces in pictures and read their expressions, by the package as a page
 * imports it.
 */
import { type Recognition, Recognizer } from 'poster-v2';

/** What the page sends back. */
export interface Seen {
  readonly results?: readonly Recognition[];
  /** Why a picture cannot be used. */
  readonly refused?: readonly string[];
  readonly error?: string;
}

const blobsOf = (paths: readonly string[]): Promise<Blob[]> =>
  Promise.all(paths.map(async (path) => (await fetch(path)).blob()));

async function look(): Promise<Seen> {
  const recognizer = await Recognizer.load();
  const results = await recognizer.recognize(await blobsOf(['portrait.png', 'turned.jpg', 'empty.png']));
  const refused: string[] = [];
  for await (const result of recognizer.settle(await blobsOf(['huge.png', 'text.png']))) {
    refused.push(result.status === 'rejected' ? String(result.reason) : 'nothing was refused');
  }
  await recognizer.dispose();
  return { results, refused };
}

const seen: Seen = await look().catch((error: unknown) => ({
  error: error instanceof Error ? (error.stack ?? error.message) : String(error),
}));
await fetch('/seen', { method: 'POST', body: JSON.stringify(seen) });
