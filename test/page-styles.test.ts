import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

const sources = fileURLToPath(new URL('../../web/src/', import.meta.url));
const classesOf = (path: string): Set<string> =>
  new Set(readFileSync(join(sources, path), 'utf8').match(/(?<=\.)[a-z][a-z0-9-]*/g));

test('parts of the page share no class but those of web/src/styles', () => {
  // All styles are one file in the end: what one part says of a class holds for the others too.
  const files = readdirSync(sources, { recursive: true, encoding: 'utf8' }).filter((path) => path.endsWith('.css'));
  const isShared = (path: string): boolean => path.startsWith('styles');
  const shared = new Set(files.filter(isShared).flatMap((path) => [...classesOf(path)]));
  const parts = files.filter((path) => !isShared(path));
  assert.ok(parts.length >= 4);
  const owners = new Map<string, string>();
  for (const path of parts) {
    for (const name of classesOf(path)) {
      if (shared.has(name)) continue;
      assert.equal(owners.get(name), undefined, `${path} and ${owners.get(name)} both have .${name}`);
      owners.set(name, path);
    }
  }
});
