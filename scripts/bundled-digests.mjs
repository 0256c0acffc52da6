// Writes length and checksum of the bundled weights into src/web/host/bundled-digests.ts: node scripts/bundled-digests.mjs
import { createHash } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { root } from './support/steps.mjs';

const path = `${root}src/web/host/bundled-digests.ts`;
let text = await readFile(path, 'utf8');
for (const [, name] of text.matchAll(/name: '(.*)'/g)) {
  const bytes = await readFile(`${root}weights/${name}`);
  const sha256 = createHash('sha256').update(bytes).digest('hex');
  const entry = new RegExp(`(name: '${name}',\\s+bytes: )\\d+(,\\s+sha256: ')\\w*'`);
  text = text.replace(entry, `$1${bytes.length}$2${sha256}'`);
}
await writeFile(path, text);
