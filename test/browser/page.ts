/*
 * What test/browser.test.ts has a browser do: find the faces in pictures and read their expressions, by the package as a page
 * imports it.
 */
import { type Recognition, Recognizer } from 'poster-v2';

/** What the page sends back. */
export interface Seen {
  readonly results?: readonly Recognition[];
  readonly error?: string;
}

async function look(): Promise<Recognition[]> {
  const recognizer = await Recognizer.load();
  const pictures = ['portrait.png', 'turned.jpg', 'empty.png'].map(async (path) => (await fetch(path)).blob());
  const results = await recognizer.recognize(await Promise.all(pictures));
  await recognizer.dispose();
  return results;
}

const seen: Seen = await look().then(
  (results) => ({ results }),
  (error: unknown) => ({ error: error instanceof Error ? (error.stack ?? error.message) : String(error) }),
);
await fetch('/seen', { method: 'POST', body: JSON.stringify(seen) });
