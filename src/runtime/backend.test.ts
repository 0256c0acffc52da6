import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { promisify } from 'node:util';

const run = promisify(execFile);

test('ONNX Runtime keeps and sends no telemetry', async (context) => {
  const home = await mkdtemp(join(tmpdir(), 'poster-home-'));
  context.after(() => rm(home, { recursive: true, force: true }));
  const from = (path: string): string => new URL(path, import.meta.url).href;
  const script = `
    const { apply, graph, input } = await import('${from('../graph/index.js')}');
    const { CpuSession } = await import('${from('./index.js')}');
    const x = input('x', 'float32', [2]);
    const session = await CpuSession.create(graph({ y: apply('Relu', [x], {}, [x]).outputs[0] }));
    await session.dispose();
    console.log(process.env.ORT_DISABLE_TELEMETRY);`;
  // It would be off where it sees that this is CI.
  const { CI: _, ORT_DISABLE_TELEMETRY: __, ...rest } = process.env;
  const env = { ...rest, HOME: home, XDG_CACHE_HOME: join(home, 'cache') };
  const { stdout } = await run(process.execPath, ['--input-type=module', '--eval', script], { env });
  assert.equal(stdout.trim(), '1');
  assert.deepEqual(await readdir(home), []);
});
