import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const root = fileURLToPath(new URL('../../', import.meta.url));

async function lines(example: string): Promise<string[]> {
  const { stdout } = await promisify(execFile)(process.execPath, [`dist/examples/${example}.js`], { cwd: root });
  return stdout.trim().split('\n');
}

test('the derivative that the example computes is the one by hand', async () => {
  const found = (await lines('differentiate')).filter((line) => line.startsWith('x = '));
  assert.equal(found.length, 4);
  for (const line of found) {
    const [, computed, byHand] = /dy\/dx = (\S+),.* = (\S+)$/.exec(line) ?? [];
    assert.ok(Math.abs(Number(computed) - Number(byHand)) < 1e-4, line);
  }
});

test('the portrait smiles', async () => {
  const [first = ''] = await lines('recognise');
  assert.match(first, /^happiness \d+\.\d% at \(\d+, \d+\), \d+ pixels wide$/);
});

test('the network that learns from the bundled one comes nearer to it', async () => {
  const losses = (await lines('distil')).map((line) => Number(/^step \d+: loss (\S+)$/.exec(line)?.[1]));
  assert.equal(losses.length, 16);
  const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;
  assert.ok(mean(losses.slice(-4)) < mean(losses.slice(0, 4)) - 0.2, losses.join(' '));
});

test('the network that trains in memory learns', async () => {
  const found = await lines('train');
  const losses = found.flatMap((line) => /^step \d+: loss (\S+)$/.exec(line)?.slice(1).map(Number) ?? []);
  assert.equal(losses.length, 8);
  assert.ok((losses.at(-1) ?? Number.NaN) < (losses[0] ?? Number.NaN) / 2, losses.join(' '));
  assert.match(found.at(-2) ?? '', /^right: (1|0\.[89]\d*) of 32 new pictures$/);
  assert.match(found.at(-1) ?? '', /^\d+ tensors after 8 updates$/);
});
