import assert from 'node:assert/strict';
import { cp, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { withCommunicators } from '../../../test/support/local-communicators.js';
import { writeFaces } from '../../../test/support/tiny-run.js';
import { itemAt } from '../../common/item-at.js';
import { digestOf } from './data-digest.js';
import { runFor } from './recipes.js';
import { openData } from './run-data.js';
import { type Listed, listData } from './shared-listing.js';

let dir: string;
/** The folder's name is that of its labels. */
const copy = join('other', 'faces');
const run = (data: string) => runFor({ data, given: { model: 'resnet8', holdOut: 0.2, calibration: 0.2 } });

before(async () => {
  dir = await mkdtemp(join(tmpdir(), 'poster-listing-'));
  await writeFaces(dir);
  await cp(join(dir, 'faces'), join(dir, copy), { recursive: true });
  // Votes, of which a float32 is no short decimal.
  const votes = ['happy', 'sad'].map((name) =>
    JSON.stringify({ image: `${name}/0.png`, majority: true, votes: [1, 3, 6] }),
  );
  for (const folder of ['faces', copy]) {
    await writeFile(join(dir, folder, 'train', 'votes.jsonl'), `${votes.join('\n')}\n`);
  }
});
after(() => rm(dir, { recursive: true, force: true }));

const listedBy = (folders: readonly string[]): Promise<Listed[]> =>
  withCommunicators(folders.length, (ranks) =>
    Promise.all(ranks.map((rank) => listData(run(join(dir, itemAt(folders, rank.rank))), rank))),
  );

test('ranks have the pictures that the first one lists, in their own folders, and one digest', async () => {
  const listed = await listedBy(['faces', copy, 'faces']);
  const alone = await openData(run(join(dir, 'faces')));
  const digest = await digestOf(alone, 'labels');
  for (const [rank, one] of listed.entries()) {
    assert.deepEqual(one.digest, digest);
    const { train, validation, calibration, ...rest } = one.data;
    const { train: _, validation: __, calibration: ___, ...expected } = alone;
    assert.deepEqual(rest, expected);
    const own = await openData(run(join(dir, rank === 1 ? copy : 'faces')));
    assert.deepEqual([train, validation, calibration], [own.train, own.validation, own.calibration]);
  }
});

test('only the first rank lists: what lies in the folders of others besides is nothing to them', async () => {
  const extra = join(dir, copy, 'train', 'sad', '6.png');
  await cp(join(dir, copy, 'train', 'sad', '5.png'), extra);
  const [first, second] = await listedBy(['faces', copy]);
  assert.deepEqual(second?.digest, first?.digest);
  await rm(extra);
});

test('a picture of another size is noticed by the rank that looks at it', async () => {
  const { train } = await openData(run(join(dir, copy)));
  await writeFile(itemAt(train.samples, 1).path, 'another');
  const [first, second] = await listedBy(['faces', copy]);
  assert.notEqual(second?.digest.train, first?.digest.train);
  assert.equal(second?.digest.validation, first?.digest.validation);
});
