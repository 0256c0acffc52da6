import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';

const runner = new URL('../../../scripts/support/test-files.mjs', import.meta.url);
/** In milliseconds. What should end does so in a fraction of it. */
const limits = { deadline: 15_000, grace: 2_000 };

/** Runs test files of these texts. */
async function runTexts(
  t: TestContext,
  texts: Readonly<Record<string, string>>,
): Promise<{ readonly code: number; readonly printed: string }> {
  const folder = await mkdtemp(join(tmpdir(), 'poster-test-files-'));
  t.after(() => rm(folder, { recursive: true }));
  const files = await Promise.all(
    Object.entries(texts).map(async ([name, text]) => {
      const file = join(folder, `${name}.mjs`);
      await writeFile(file, `import { test } from 'node:test';\n${text}`);
      return file;
    }),
  );
  const program = `
    import { runTestFiles } from ${JSON.stringify(runner)};
    await runTestFiles(${JSON.stringify(files)}, ${JSON.stringify({ ...limits, concurrency: files.length })});
  `;
  return new Promise((resolve) => {
    execFile(process.execPath, ['--input-type=module', '--eval', program], (error, printed) => {
      resolve({ code: Number(error?.code ?? 0), printed });
    });
  });
}

test('files whose tests pass are counted, and what they print is printed', async (t) => {
  const { code, printed } = await runTexts(t, {
    loud: "test('prints', () => console.log('a printed line'));",
    lame: "test('passes', () => {}); test('skips', (t) => t.skip('no browser'));",
  });
  assert.equal(code, 0, printed);
  assert.match(printed, /a printed line/);
  assert.match(printed, /skips.*no browser/);
  assert.match(printed, /ℹ files 2, 0 of them failed\nℹ tests 3\n/);
  assert.match(printed, /Slowest files:\n.*\.mjs\n.*\.mjs\n\n/);
});

test('a file that fails is named, with its failures, at the end', async (t) => {
  const { code, printed } = await runTexts(t, {
    sound: "test('passes', () => {});",
    wrong: "test('compares', () => { throw new Error('one is not two'); });",
    broken: "import 'file:///nowhere.mjs';",
  });
  assert.equal(code, 1, printed);
  const end = printed.slice(printed.indexOf('Slowest files:'));
  assert.match(end, /2 of them failed/);
  assert.match(end, /✖ \S*wrong\.mjs ended with 1\n[\s\S]*compares[\s\S]*one is not two/);
  assert.match(end, /✖ \S*broken\.mjs ended with 1/);
});

test('a file that does not end fails with its name, whatever keeps it, and the others go on', async (t) => {
  const { code, printed } = await runTexts(t, {
    endless: "test('waits', () => new Promise(() => setInterval(() => {}, 1000)));",
    // As in a computation, but without one: nothing else has its turn, nor has a handler of a signal.
    blocked:
      "process.on('SIGTERM', () => {}); test('blocks', () => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0));",
    open: "import { createServer } from 'node:net'; test('listens', () => { createServer().listen(0, '127.0.0.1'); });",
    sound: "test('passes', () => {});",
  });
  assert.equal(code, 1, printed);
  for (const name of ['endless', 'blocked', 'open']) {
    assert.match(printed, new RegExp(`✖ \\S*${name}\\.mjs did not end within 15 s`));
  }
  // Its tests had passed.
  assert.match(printed, /✔ listens/);
  assert.match(printed, /✔ passes/);
  assert.match(printed, /ℹ files 4, 3 of them failed/);
});

test('a process that a file leaves behind is ended, and the file fails where it holds the output', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'poster-test-files-'));
  t.after(() => rm(folder, { recursive: true }));
  // A server in a process of its own, which has started when the file's test ends.
  const leaving = (socket: string, output: string): string => `
    import { spawn } from 'node:child_process';
    import { connect } from 'node:net';
    const server = "require('node:net').createServer().listen(" + ${JSON.stringify(JSON.stringify(socket))} + ")";
    const answers = () => new Promise((resolve) => {
      connect(${JSON.stringify(socket)}).on('connect', function () { this.destroy(); resolve(true); }).on('error', () => resolve(false));
    });
    test('passes', async () => {
      spawn(process.execPath, ['--eval', server], { stdio: ${JSON.stringify(output)} }).unref();
      while (!await answers());
    });`;
  const sockets = { holding: join(folder, 'holding'), quiet: join(folder, 'quiet') };
  const { code, printed } = await runTexts(t, {
    holding: leaving(sockets.holding, 'inherit'),
    quiet: leaving(sockets.quiet, 'ignore'),
  });
  assert.equal(code, 1, printed);
  assert.match(printed, /✖ \S*holding\.mjs left a process behind that holds its output/);
  assert.match(printed, /ℹ files 2, 1 of them failed\nℹ tests 2\nℹ pass 2/);
  for (const socket of Object.values(sockets)) {
    await assert.rejects(
      new Promise((resolve, reject) => {
        connect(socket).on('connect', resolve).on('error', reject);
      }),
      { code: 'ECONNREFUSED' },
    );
  }
});
