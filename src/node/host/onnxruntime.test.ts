import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readdir, rm } from 'node:fs/promises';
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
    const { apply, graph, input } = await import('${from('../../graph/index.js')}');
    const { CpuSession } = await import('${from('../../runtime/index.js')}');
    const x = input('x', 'float32', [2]);
    const session = await CpuSession.create(graph({ y: apply('Relu', [x], {}, [x]).outputs[0] }));
    await session.dispose();
    console.log(process.env.ORT_DISABLE_TELEMETRY);`;
  const inWorker = `
    const { Worker } = await import('node:worker_threads');
    new Worker(new URL('data:text/javascript,' + encodeURIComponent(${JSON.stringify(script)})));`;
  // It would be off where it sees that this is CI.
  const { CI: _, ORT_DISABLE_TELEMETRY: __, ...rest } = process.env;
  const env = { ...rest, HOME: home, XDG_CACHE_HOME: join(home, 'cache') };
  const { stdout } = await run(process.execPath, ['--input-type=module', '--eval', script], { env });
  assert.equal(stdout.trim(), '1');
  assert.deepEqual(await readdir(home), []);
  // A worker's environment is a copy, of which the runtime sees nothing: there it is said.
  const inside = (worker: string): Promise<{ stdout: string; stderr: string }> =>
    run(process.execPath, ['--input-type=module', '--eval', worker], { env });
  assert.match((await inside(inWorker)).stderr, /telemetry cannot be switched off from within a worker thread/);
  await rm(home, { recursive: true, force: true });
  await mkdir(home);
  const { stderr } = await inside(`process.env.ORT_DISABLE_TELEMETRY = '1';${inWorker}`);
  assert.doesNotMatch(stderr, /telemetry/);
  assert.deepEqual(await readdir(home), []);
});

test('a device that is not there is our sentence, and no line of ONNX Runtime before it', async () => {
  const script = `
    const { chooseDevice } = await import('${new URL('../../runtime/index.js', import.meta.url).href}');
    console.log(await chooseDevice('cuda').catch(({ name, kind }) => ({ name, kind })));`;
  const { stdout, stderr } = await run(process.execPath, ['--input-type=module', '--eval', script]);
  assert.equal(stderr, '');
  assert.match(stdout, /name: 'UserError', kind: 'device'|device: 'cuda'/);
});
