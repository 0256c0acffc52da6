import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../../', import.meta.url));
const page = readFileSync(join(root, 'docs/architecture.md'), 'utf8');
const picture = readFileSync(join(root, 'docs/rooms.svg'), 'utf8');

/** Folders of a folder of `src` that are rooms. */
function roomsIn(folder: string): string[] {
  const entries = readdirSync(join(root, 'src', folder), { withFileTypes: true });
  return entries.flatMap((entry) => (entry.isDirectory() ? [entry.name] : [])).sort();
}

/** First cells of the table below a heading. */
function tableBelow(heading: string): string[] {
  const [, section = ''] = page.split(`\n### ${heading}\n`);
  const [table = ''] = section.split('\n#');
  return [...table.matchAll(/^\| `([a-z]+)` \|/gm)].map(([, name = '']) => name).sort();
}

const notCore = new Set(['node', 'web', 'cli', 'entries']);
const rooms = {
  'Any host': roomsIn('').filter((name) => !notCore.has(name)),
  Node: roomsIn('node'),
  Browser: roomsIn('web'),
};

for (const [heading, names] of Object.entries(rooms)) {
  test(`docs/architecture.md tells what each room knows: ${heading}`, () => {
    assert.ok(names.length > 0);
    assert.deepEqual(tableBelow(heading), names);
  });
}

test('the picture of the rooms shows each of them, once for each host', () => {
  const drawn = [...picture.matchAll(/class="name"[^>]*>([a-z]+)</g)].map(([, name = '']) => name);
  const entries = readdirSync(join(root, 'src/entries')).flatMap((file) => /^(\w+)\.ts$/.exec(file)?.[1] ?? []);
  assert.deepEqual(drawn.sort(), [...Object.values(rooms).flat(), 'cli', ...entries].sort());
});

test('docs/architecture.md names files that are there, and what they define', () => {
  const paths = [...page.matchAll(/`((?:[a-z0-9-]+\/)+[a-z0-9.-]+\.[a-z]+)`/g)].map(([, path = '']) => path);
  assert.ok(paths.length > 30);
  assert.deepEqual(
    paths.filter((path) => !existsSync(join(root, 'src', path)) && !existsSync(join(root, path))),
    [],
  );
  const defined = [...page.matchAll(/`(?:[A-Z]\w+\.)?(\w+)` \(`([a-z-]+\/[a-z0-9/-]+\.ts)`/g)];
  assert.ok(defined.length > 15);
  for (const [, name = '', path = ''] of defined) {
    const text = readFileSync(join(root, 'src', path), 'utf8');
    assert.match(text, new RegExp(`\\b${name}\\b`), `${path} defines ${name}`);
  }
});
