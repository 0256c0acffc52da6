/**
 * A program for the ranks of a test: sums arrays of many lengths and compares the bits with those of a sum in rank order, exchanges
 * documents, and fails where it is told to. Rank 0 tells the result as JSON.
 */
import { createHash } from 'node:crypto';
import { parseArgs } from 'node:util';
import { z } from 'zod';
import { messageOf } from '../../src/common/errors.js';
import { itemAt } from '../../src/common/item-at.js';
import { Communicator } from '../../src/node/ranks/communicator.js';
import { joinRanks } from '../../src/node/ranks/join.js';

const bucket = 1000;
const lengths = [0, 1, 2, 29, 30, 999, 1000, 1001, 5005];

/** Numbers of many sizes, so that another order of summands gives other bits. */
function elements(rank: number, length: number): Float32Array {
  const values = new Float32Array(length);
  for (let i = 0; i < length; i++) values[i] = Math.sin(i + rank) * 2 ** ((i + 7 * rank) % 20);
  return values;
}

function inOrder(size: number, length: number): Float32Array {
  const sum = elements(0, length);
  for (let rank = 1; rank < size; rank++) {
    for (const [i, value] of elements(rank, length).entries()) sum[i] = itemAt(sum, i) + value;
  }
  return sum;
}

const { values } = parseArgs({
  options: { ranks: { type: 'string' }, native: { type: 'boolean' }, fails: { type: 'string' } },
});

const transport = await joinRanks({
  ...(values.ranks === undefined ? {} : { ranks: Number(values.ranks) }),
  bucket,
  allreduce: values.native === true ? 'native' : 'rank-order',
});
const ranks = new Communicator(transport);
try {
  const digest = createHash('sha256');
  let different = 0;
  for (const length of lengths) {
    const own = elements(ranks.rank, length);
    await ranks.sum(own);
    const expected = inOrder(ranks.size, length);
    different += own.filter((value, i) => !Object.is(value, expected[i])).length;
    digest.update(new Uint8Array(own.buffer));
  }
  const documents = await ranks.documents(z.string(), 'é'.repeat(10 ** ranks.rank));
  const sums = await ranks.documents(z.object({ digest: z.string(), different: z.number() }), {
    digest: digest.digest('hex'),
    different,
  });
  if (values.fails !== undefined && Number(values.fails) === ranks.rank) throw new Error('this rank is told to fail');
  await ranks.sum(new Float32Array(100));
  await ranks.close();
  if (ranks.rank === 0) {
    const { name, size } = ranks;
    console.log(JSON.stringify({ name, size, sums, documents: documents.map((text) => text.length) }));
  }
} catch (error) {
  await ranks.fail(error);
  await ranks.close();
  if (ranks.rank === 0) console.log(JSON.stringify({ failed: messageOf(error) }));
  process.exitCode = 1;
}
