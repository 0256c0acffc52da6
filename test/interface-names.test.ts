import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import { agreedInterface, publicInterface, valuesOf } from './support/public-interface.js';

/*
 * If a change of the public interface is meant: `npm run interface`, look at the difference of test/fixtures/interface.txt, and
 * give it a line in CHANGELOG.md.
 */
test('the public interface has the names that were agreed on, of the same kinds: npm run interface', async () => {
  const agreed = (await readFile(agreedInterface, 'utf8')).trimEnd().split('\n');
  const now = publicInterface();
  const [before, after] = [new Set(agreed), new Set(now)];
  assert.deepEqual(
    { added: now.filter((line) => !before.has(line)), removed: agreed.filter((line) => !after.has(line)) },
    { added: [], removed: [] },
  );
});

test('values that declarations name are there, and no others', async () => {
  for (const entry of ['poster-v2', 'poster-v2/core', 'poster-v2/train', 'poster-v2/data', 'poster-v2/checkpoints']) {
    assert.deepEqual(Object.keys(await import(entry)).sort(), valuesOf(entry), entry);
  }
});
