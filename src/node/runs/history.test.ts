import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import fc from 'fast-check';
import { UserError } from '../../common/errors.js';
import { openHistory, parseHistory, readHistory } from './history.js';

const dir = await mkdtemp(join(tmpdir(), 'poster-history-'));
after(() => rm(dir, { recursive: true }));

test('events are appended in order and read back', async () => {
  const path = join(dir, 'order.jsonl');
  const history = await openHistory(path);
  const event = { event: 'step', step: 0 };
  const pending = [history.append(event)];
  event.step = 99; // The line was formatted when it was given.
  pending.push(
    history.append({ event: 'step', step: 1, loss: Number.NaN }),
    history.commit({ event: 'epoch', epoch: 0 }),
  );
  await Promise.all(pending);
  await history.close();
  const expected = [
    { event: 'step', step: 0 },
    { event: 'step', step: 1, loss: null },
    { event: 'epoch', epoch: 0 },
  ];
  assert.deepEqual(await readHistory(path), expected);
  const again = await openHistory(path);
  await again.commit({ event: 'end' });
  await again.close();
  assert.deepEqual(await readHistory(path), [...expected, { event: 'end' }]);
});

test('a history cut off anywhere gives the whole events before', () => {
  const events = [{ event: 'a', text: 'ü\n{}"' }, { event: 'b', n: 1 }, { event: 'c' }];
  const bytes = Buffer.from(events.map((event) => `${JSON.stringify(event)}\n`).join(''));
  fc.assert(
    fc.property(fc.nat({ max: bytes.length }), (length) => {
      const read = parseHistory(bytes.subarray(0, length).toString(), 'x');
      assert.deepEqual(read, events.slice(0, read.length));
      const whole = bytes.subarray(0, length).filter((byte) => byte === 10).length;
      assert(read.length === whole || read.length === whole + 1);
    }),
  );
});

test('appending after a torn line begins on a line of its own', async () => {
  const path = join(dir, 'torn.jsonl');
  await writeFile(path, '{"event":"a"}\n{"event":"b","los');
  const history = await openHistory(path);
  await history.append({ event: 'c' });
  await history.close();
  assert.equal(await readFile(path, 'utf8'), '{"event":"a"}\n{"event":"c"}\n');
  await writeFile(path, '{"event":"a"}');
  await (await openHistory(path)).close();
  assert.equal(await readFile(path, 'utf8'), '{"event":"a"}\n');
});

test('a resumed run drops the events that it repeats', async () => {
  const path = join(dir, 'resumed.jsonl');
  await writeFile(path, '{"event":"epoch","epoch":0}\n{"event":"epoch","epoch":1}\n');
  await (await openHistory(path, ({ epoch }) => Number(epoch) < 1)).close();
  assert.deepEqual(await readHistory(path), [{ event: 'epoch', epoch: 0 }]);
});

test('damage before the end names the line; a missing file is a sentence', async () => {
  for (const line of ['{"event":', '3', 'null', '{}', '{"event":1}']) {
    assert.throws(
      () => parseHistory(`{"event":"a"}\n${line}\n{"event":"b"}\n`, 'm.jsonl'),
      (error) => error instanceof UserError && /^Line 2 of m\.jsonl is not a training event/.test(error.message),
    );
  }
  await assert.rejects(readHistory(join(dir, 'nothing')), /Cannot read .*: there is no such file/);
  await assert.rejects(openHistory(join(dir, 'none', 'x')), /Cannot write .*: the folder .*none does not exist/);
});
