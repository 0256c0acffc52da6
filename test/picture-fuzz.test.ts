import assert from 'node:assert/strict';
import { test } from 'node:test';
import { pictureKinds, tryPicture } from './fuzz/picture-kinds.js';

// A few of what `npm run fuzz:pictures` tries 100,000 of. Each is seeded: a failure names the picture to try again.

for (const kind of await pictureKinds()) {
  test(`${kind.name}: mutated pictures are read or refused in a sentence`, async () => {
    const outcomes = { read: 0, refused: 0 };
    for (let i = 0; i < 40; i++) {
      await assert.doesNotReject(async () => {
        outcomes[await tryPicture(kind, 1000, i)]++;
      }, `${kind.name}, picture ${i}`);
    }
    // Mutations that break none would test nothing; HEIC is never read.
    assert(outcomes.refused > 2 && (kind.name === 'HEIC' || outcomes.read > 2), JSON.stringify(outcomes));
  });
}
