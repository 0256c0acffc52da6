import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { endsWithinPacket, PassingBytes } from './transport-stream.js';

const packets = (count: number): Buffer => {
  const bytes = Buffer.alloc(188 * count);
  for (let i = 0; i < count; i++) bytes[188 * i] = 0x47;
  return bytes;
};

async function* pieces(bytes: Buffer): AsyncGenerator<Buffer, void, void> {
  for (let i = 0; i < bytes.length; i += 100) yield bytes.subarray(i, i + 100);
}

test('a transport stream that ends within a packet is told from whole ones and from other files', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'poster-ts-'));
  try {
    for (const [bytes, expected] of [
      [packets(9), false],
      [packets(9).subarray(0, 1000), true],
      [Buffer.alloc(1000), false],
    ] as const) {
      const path = join(folder, 'a.ts');
      await writeFile(path, bytes);
      assert.equal(await endsWithinPacket(path), expected);
      const passing = new PassingBytes(pieces(bytes));
      const received: Uint8Array[] = [];
      for await (const piece of passing) {
        assert.equal(passing.endWithinPacket(), false, 'not before its end');
        received.push(piece);
      }
      assert.equal(passing.endWithinPacket(), expected);
      assert.deepEqual(Buffer.concat(received), bytes);
    }
  } finally {
    await rm(folder, { recursive: true });
  }
});
