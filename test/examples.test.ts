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
