import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { test } from 'node:test';
import { openCheckpointFile } from '../src/node/checkpoints/checkpoint-file.js';
import { type Kind, kinds, memoryFile, tryOne } from './fuzz/kinds.js';

// A few of what `npm run fuzz` tries 100,000 of. Each is seeded: a failure names the file to try again.

for (const kind of kinds) {
  test(`${kind.name}: mutated files are read or refused in a sentence`, async () => {
    const outcomes = { read: 0, refused: 0 };
    for (let i = 0; i < 300; i++) {
      await assert.doesNotReject(async () => {
        outcomes[await tryOne(kind, 1000, i)]++;
      }, `${kind.name}, file ${i}`);
    }
    // Mutations that break every file at once, or none, would test nothing.
    assert(outcomes.read > 3 && outcomes.refused > 100, JSON.stringify(outcomes));
    assert(!existsSync('pwned'));
  });

  test(`${kind.name}: files that are cut off are refused`, async () => {
    for (const bytes of kind.seeds) {
      const cut: Kind = {
        ...kind,
        mutate: (whole, random) => whole.subarray(0, random.int(whole.length)),
        seeds: [bytes],
      };
      for (let i = 0; i < 60; i++) assert.equal(await tryOne(cut, 7, i), 'refused');
    }
  });
}

test('what is tried is fit to be read before it is mutated', async () => {
  for (const { path, seeds } of kinds) {
    for (const bytes of seeds) assert((await openCheckpointFile(memoryFile(path, bytes))).tensors.size > 0);
  }
});
