import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { tryApart } from './open-device.js';

const dir = await mkdtemp(join(tmpdir(), 'poster-device-'));
after(() => rm(dir, { recursive: true, force: true }));

async function program(text: string): Promise<string> {
  const path = join(dir, `${Math.random()}.mjs`);
  await writeFile(path, text);
  return path;
}

test('the device that another process chose is taken, and what drivers say meanwhile is not passed on', async () => {
  const chosen = { device: 'webgpu', note: 'Using the GPU.' };
  const text = `console.error('Warning: vkCreateInstance'); console.log('${JSON.stringify(chosen)}')`;
  assert.deepEqual(await tryApart(await program(text)), chosen);
});

test('a driver that ends the process leaves the CPU, and its last words', async () => {
  const words = await program(`console.error('first'); console.error('lost \\u001b[2Jdevice'); process.abort()`);
  const { device, note } = await tryApart(words);
  assert.equal(device, 'cpu');
  assert.match(note ?? '', /^Using the CPU: WebGPU ended the process that tried it: /);
  assert.ok(!note?.includes('\u001b'));
  const silent = await tryApart(await program(`process.kill(process.pid, 'SIGKILL')`));
  assert.match(silent.note ?? '', /SIGKILL|it said nothing|failed/);
  assert.equal((await tryApart(await program(`console.log('{"device":"tpu"}')`))).device, 'cpu');
});
