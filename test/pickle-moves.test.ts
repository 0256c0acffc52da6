import assert from 'node:assert/strict';
import { test } from 'node:test';
import { UserError } from '../src/common/errors.js';
import { openCheckpointFile } from '../src/node/checkpoints/checkpoint-file.js';
import { memoryFile } from './fuzz/kinds.js';
import { archiveEntries, checkpointPickle, legacyFile, type Move, moves } from './fuzz/moves.js';
import { zip } from './fuzz/zip.js';

// Files of about a megabyte that would take minutes, or all memory, if work were not in proportion to their bytes.

/** What is refused, and why; the others are read, with what they hold cut off. */
const refusals: Readonly<Record<string, RegExp>> = {
  'copies of a list as sets': /copies as many/,
  'copies of pairs as ordered dicts': /copies as many/,
  'copies of a list as sizes': /a tensor of 50000 dimensions, and PyTorch makes at most 64/,
  'copies of a text as bytes': /copies as many/,
  'a long name of a class': /the name of a module of 50000 characters/,
  'many names of one long module': /the name of a module of 50001 characters/,
  'a long key': /a key of 50000 characters/,
  'keys that fall together': /copies as many/,
  'numbers of the memo far apart': /more than 500000 objects/,
  'a tensor of many dimensions': /a tensor of 50000 dimensions/,
  'a storage with a long key': /the key of a storage of 50000 characters/,
  'a name of many prefixes': /a key of 50007 characters/,
  'marks and copies': /takes a value that is not there/,
};

for (const [name, move] of Object.entries(moves)) {
  test(`work is in proportion to the file: ${name}`, async () => {
    const wanted = refusals[name];
    for (const bytes of filesOf(move)) {
      const opened = openCheckpointFile(memoryFile('moves.pth', bytes));
      if (wanted === undefined) {
        const { tensors, extra } = await opened;
        assert.deepEqual([...tensors.keys()], ['w']);
        assert(JSON.stringify(extra).length < 4e6);
      } else {
        await assert.rejects(opened, (error) => {
          assert(error instanceof UserError, String(error));
          assert.match(error.message, wanted);
          return true;
        });
      }
    }
  });
}

function filesOf(move: Move): Buffer[] {
  const pickle = checkpointPickle(move(50_000, 60_000));
  return [zip(archiveEntries(pickle), true), legacyFile(pickle)];
}
