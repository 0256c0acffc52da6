import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join, relative, sep } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

const src = fileURLToPath(new URL('../../src/', import.meta.url));
/** Types, tensors and parts of POSTER V2. Its name in prose, and that of a variant or of this package, may be anywhere. */
const known = /PosterV2|posterV2|ir_back|face_landback|\bVIT\./;
/** The list of networks, the index of the room, and what the landmark detector, a part of POSTER V2, is used by. */
const allowed = ['models/networks.ts', 'models/index.ts'];

test('what knows POSTER V2 is in its folder', () => {
  const files = readdirSync(src, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith('.ts') && !entry.name.endsWith('.test.ts'))
    .map((entry) => relative(src, join(entry.parentPath, entry.name)).split(sep).join('/'))
    .filter((file) => !file.startsWith('models/poster-v2/') && !allowed.includes(file));
  assert.ok(files.length > 300);
  assert.deepEqual(
    files.filter((file) => known.test(readFileSync(join(src, file), 'utf8'))),
    [],
  );
});
