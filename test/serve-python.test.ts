import assert from 'node:assert/strict';
import { execFile, spawnSync } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { temporaryFolder } from '../src/recognize/helpers.test.js';
import { served } from './support/served.js';

// Programs of others against a server of ours. POSTER_PYTHON names a Python that has them:
//   python3 -m venv venv && venv/bin/pip install schemathesis 'tritonclient[http]'
//   POSTER_PYTHON=venv/bin/python3 node --test dist/test/serve-python.test.js

const python = process.env['POSTER_PYTHON'] ?? 'python3';
const skip = (name: string): string | false =>
  spawnSync(python, ['-c', `import ${name}`]).status === 0
    ? false
    : `${python} has no ${name}; POSTER_PYTHON names one`;
const run = promisify(execFile);

test('the program of docs/serving.md for tritonclient works as it is, in bytes and in JSON', {
  skip: skip('tritonclient.http'),
}, async (t) => {
  const page = await readFile(new URL('../../docs/serving.md', import.meta.url), 'utf8');
  const [, program = ''] = /```python\n(import numpy, tritonclient.*?)\n```/s.exec(page) ?? [];
  const more = `
import json
client.is_server_live() and client.is_server_ready() and client.is_model_ready('poster-v2-nano') or exit(1)
labels = client.get_model_metadata('poster-v2-nano')['parameters']['labels']
answers = []
for binary in (True, False):
    crops.set_data_from_numpy(numpy.zeros((1, 48, 48, 1), numpy.uint8), binary_data=binary)
    asked = [http.InferRequestedOutput(name, binary_data=binary) for name in ('probabilities', 'expression')]
    result = client.infer('poster-v2-nano', [crops], outputs=asked)
    first = result.as_numpy('expression')[0]
    name = first.decode() if isinstance(first, bytes) else str(first)
    answers.append([name, labels[int(result.as_numpy('probabilities').argmax())]])
try:
    client.infer('other', [crops])
except http.InferenceServerException as error:
    answers.append(str(error))
print(json.dumps(answers))`;
  const server = await served({}, t);
  const { host } = new URL(server.url);
  const { stdout } = await run(python, ['-c', `${program.replace('127.0.0.1:8080', host)}\n${more}`]);
  const answers: unknown = JSON.parse(stdout.trim().split('\n').at(-1) ?? '');
  const pair = ['neutral', 'neutral'];
  assert.deepEqual(answers, [pair, pair, '[404] There is no such model here; there is poster-v2-nano, version 1.']);
});

/** Of each operation; 200 take some minutes. */
const examples = process.env['POSTER_EXAMPLES'] ?? '10';
/** All checks but one: whether bytes are a picture no schema says. What is too large, and who does not speak WebSocket, is refused as it should be. */
const settings = `[checks]
positive_data_acceptance.enabled = false
negative_data_rejection.expected-statuses = [400, 401, 403, 404, 405, 406, 409, 413, 415, 422, 426, 428, 429]
`;

test('requests made from its own OpenAPI document find no defect in a server', {
  skip: skip('schemathesis'),
}, async (t) => {
  const server = await served({ clientRequests: 1000, maxQueue: 1000 }, t);
  // It leaves its findings where it runs.
  const cwd = await temporaryFolder(t);
  await writeFile(join(cwd, 'schemathesis.toml'), settings);
  const { stdout } = await run(
    python,
    [
      ...['-m', 'schemathesis.cli', 'run', `${server.url}/openapi.json`, '--no-color', '--seed', '1', '-w', '1'],
      ...['--phases', 'coverage,fuzzing', '--max-examples', examples, '--request-timeout', '60'],
    ],
    { maxBuffer: 64 * 1024 * 1024, cwd },
  ).catch((error: unknown) => {
    const output = error instanceof Error && 'stdout' in error ? String(error.stdout) : String(error);
    throw new Error(output.slice(-5000), { cause: error });
  });
  assert.match(stdout, /No issues found|passed/);
});
