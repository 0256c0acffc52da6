import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';

import { chooseDevice } from './index.js';

test('the CPU is always there', async () => {
  assert.deepEqual(await chooseDevice('cpu'), { device: 'cpu' });
});

/** What `chooseDevice` does in a process that finds no Vulkan driver. */
function withoutAdapter(wanted: string): Record<string, unknown> {
  const module = new URL('index.js', import.meta.url).href;
  const script = `
    const { chooseDevice } = await import(${JSON.stringify(module)});
    const print = (value) => process.stdout.write(JSON.stringify(value));
    await chooseDevice(${JSON.stringify(wanted)}).then(print, ({ name, message, kind }) => print({ name, message, kind }));
  `;
  const none = { VK_DRIVER_FILES: '/no/such/driver.json', VK_ICD_FILENAMES: '/no/such/driver.json' };
  const { stdout } = spawnSync(process.execPath, ['--input-type=module', '--eval', script], {
    env: { ...process.env, ...none },
    encoding: 'utf8',
  });
  return JSON.parse(stdout) as Record<string, unknown>;
}

const onLinux = { skip: process.platform !== 'linux' && 'only Vulkan can be hidden by the environment' };

test('auto falls back to the CPU and says so', onLinux, () => {
  const { device, note } = withoutAdapter('auto');
  assert.equal(device, 'cpu');
  assert.match(String(note), /No GPU .* using the CPU/);
});

test('webgpu without an adapter is an error for the user', onLinux, () => {
  const { name, message, kind } = withoutAdapter('webgpu');
  assert.deepEqual([name, kind], ['UserError', 'device']);
  assert.match(String(message), /choose the device cpu/);
});

test('cuda works or says how it is installed', async () => {
  const outcome = await chooseDevice('cuda').catch((error: unknown) => error);
  if (outcome instanceof Error) assert.match(outcome.message, /ONNXRUNTIME_NODE_INSTALL=cuda12 npm rebuild/);
  else assert.deepEqual(outcome, { device: 'cuda' });
});
