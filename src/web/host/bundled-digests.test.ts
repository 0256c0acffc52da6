import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import { detectorDigest, expressionDigest } from './bundled-digests.js';

test('browsers know length and checksum of the weights in the package (scripts/bundled-digests.mjs writes them)', async () => {
  for (const { name, bytes, sha256 } of [expressionDigest, detectorDigest]) {
    const file = await readFile(new URL(`../../../../weights/${name}`, import.meta.url));
    assert.equal(file.length, bytes, name);
    assert.equal(createHash('sha256').update(file).digest('hex'), sha256, name);
  }
});
