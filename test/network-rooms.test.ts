import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join, relative, sep } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

const src = fileURLToPath(new URL('../../src/', import.meta.url));
/** Types, tensors and parts of a network, and its folders. Its name in prose, and that of a variant, may be anywhere. */
const known: readonly (readonly [name: string, words: RegExp, folders: readonly string[]])[] = [
  ['POSTER V2', /PosterV2|posterV2|\bVIT\./, ['models/poster-v2/']],
  ['POSTER V1', /PosterV1|posterV1|pyramid_fuse/, ['models/poster-v1/']],
  ['the backbones of both', /ir_back|face_landback/, ['models/poster-v1/', 'models/poster-v2/']],
];
/** The list of networks, the index of the room, and what the landmark detector, a part of POSTER V2, is used by. */
const allowed = ['models/networks.ts', 'models/index.ts'];

for (const [name, words, folders] of known) {
  test(`what knows ${name} is in its folder`, () => {
    const files = readdirSync(src, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile() && entry.name.endsWith('.ts') && !entry.name.endsWith('.test.ts'))
      .map((entry) => relative(src, join(entry.parentPath, entry.name)).split(sep).join('/'))
      .filter((file) => !folders.some((folder) => file.startsWith(folder)) && !allowed.includes(file));
    assert.ok(files.length > 300);
    assert.deepEqual(
      files.filter((file) => words.test(readFileSync(join(src, file), 'utf8'))),
      [],
    );
  });
}
