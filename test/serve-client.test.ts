import assert from 'node:assert/strict';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { createServer, type RequestListener } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import sharp from 'sharp';
import { itemAt } from '../src/common/item-at.js';
import { createClient, isOfKind, problemIn, UserError } from '../src/entries/client.js';
import { explainFaces, explanationDocument } from '../src/explain/index.js';
import { temporaryFolder } from '../src/recognize/helpers.test.js';
import { Recognizer, recognitionDocument } from '../src/recognize/index.js';
import { checkFailure, fails, poster, start, succeeds } from './support/cli.js';
import { portraitPath } from './support/served.js';

/** Faces are found in it in a tenth of the time: no side is long enough for the largest scale. */
const portrait = await sharp(portraitPath).resize(300).png().toBuffer();
const key = 'a-key-of-this-test-0123';
let server: { readonly child: ChildProcess; readonly url: string };

before(async () => {
  const keyFile = join(tmpdir(), `poster-keys-${process.pid}.txt`);
  await writeFile(keyFile, `${key}\n`);
  const { child } = start(
    ['serve', '--port', '0', '--threads', '1', '--log', 'silent', '--key-file', keyFile],
    tmpdir(),
  );
  const url = await new Promise<string>((resolve, reject) => {
    let output = '';
    child.stderr?.on('data', (data: Buffer) => {
      output += data.toString();
      const [, found] = /^Ready: (http:\S+)\/docs/m.exec(output) ?? [];
      if (found !== undefined) resolve(found);
    });
    child.on('close', () => reject(new Error(output)));
  });
  server = { child, url };
});
after(async () => {
  const { child } = server;
  // One that has ended already closes nothing more.
  if (child.exitCode !== null || child.signalCode !== null) return;
  child.kill('SIGTERM');
  await once(child, 'exit');
});

/** A server of few words. */
async function answering(listener: RequestListener): Promise<{ url: string; close: () => void }> {
  const http = createServer(listener).listen(0, '127.0.0.1');
  await once(http, 'listening');
  const address = http.address();
  assert.ok(typeof address === 'object' && address !== null);
  return { url: `http://127.0.0.1:${address.port}`, close: () => http.close() };
}

test('poster predict --server prints and writes what the same network prints and writes here', async (t) => {
  const folder = await temporaryFolder(t);
  await mkdir(join(folder, 'photos'));
  await writeFile(join(folder, 'photos', 'a.png'), portrait);
  await writeFile(join(folder, 'photos', 'b.png'), 'no picture');
  const asked = ['--server', server.url, '--server-key', key];
  const both = async (...args: readonly string[]): Promise<string> => {
    const [here, there] = [await poster(args, folder), await poster([...args, ...asked], folder)];
    assert.deepEqual([there.code, there.stderr], [here.code, here.stderr]);
    const without = (text: string): string => text.replace(/"checkpoint": ".*"/, '');
    assert.equal(without(there.stdout), without(here.stdout));
    assert.match(there.stdout, /happiness/);
    return there.stderr;
  };
  assert.match(await both('predict', 'photos'), /^poster: Picture photos\/b\.png is not a picture/m);
  await both('predict', 'photos/a.png', '--json', '--top', '2', '--max-faces', '1', '--scales', '96,192');
  const outputs = ['--csv', 'faces.csv', '--draw', 'drawn', '--save-crops', 'crops'];
  const here = await succeeds(['predict', 'photos/a.png', '--jsonl', ...outputs], folder);
  const read = async (): Promise<Buffer[]> =>
    Promise.all(['faces.csv', 'crops/a.face-1.png'].map((path) => readFile(join(folder, path))));
  const pixels = (): Promise<Buffer> =>
    sharp(join(folder, 'drawn', 'a.png'))
      .raw()
      .toBuffer();
  const [files, drawn] = [await read(), await pixels()];
  const there = await succeeds(['predict', 'photos/a.png', '--jsonl', ...outputs, ...asked], folder);
  assert.equal(there.stdout, here.stdout);
  assert.deepEqual(await read(), files);
  // Boxes of a server are hundredths of a pixel, which lines show at their borders.
  const again = await pixels();
  assert.equal(again.length, drawn.length);
  assert.ok(again.reduce((sum, value, i) => sum + Math.abs(value - itemAt(drawn, i)), 0) < drawn.length / 100);
  assert.deepEqual(await readdir(join(folder, 'crops')), ['a.face-1.png']);
});

test('what a server refuses, and one that is not there, is a sentence with its exit code', async (t) => {
  const folder = await temporaryFolder(t);
  await writeFile(join(folder, 'a.png'), portrait);
  const ask = ['predict', 'a.png', '--server'];
  await fails([...ask, server.url], folder, 2, /^poster: No key is given.*\(--server-key KEY\)\.$/m);
  await fails([...ask, server.url, '--server-key', `${key}x`], folder, 2, /The key is not one of this server/);
  await fails([...ask, 'localhost:8080'], folder, 2, /is no address of a server/);
  await fails([...ask, 'http://127.0.0.1:1'], folder, 4, /The server at http:\/\/127\.0\.0\.1:1 cannot be reached/);
  const other = await answering((_, response) => response.writeHead(200).end('<html>'));
  await fails([...ask, other.url], folder, 2, /gave no answer of poster serve/);
  other.close();
  const chosen = await poster([...ask, server.url, '--flip'], folder);
  assert.deepEqual([chosen.code, chosen.stdout], [2, '']);
  assert.match(chosen.stderr, /'--server <url>' cannot be used with option '--flip'/);
  await writeFile(join(folder, 'talk.mp4'), '');
  checkFailure(await poster(['predict', 'talk.mp4', '--server', server.url], folder), 2, /Videos are not sent/);
});

test('the client of the package gives what the library gives, with types', async () => {
  const client = createClient({ url: server.url, key });
  const recognizer = await Recognizer.load({ threads: 1 });
  const expected = recognitionDocument(await recognizer.recognize(portrait), 2);
  const [explained] = await explainFaces(recognizer, portrait, { target: 'sadness' });
  await recognizer.dispose();
  const { model, ...recognized } = await client.recognize(portrait, { top: 2 });
  assert.deepEqual({ model, ...recognized }, { model: 'poster-v2-nano', ...expected });
  const copy = Uint8Array.from(portrait);
  for (const picture of [copy, copy.buffer, new Blob([copy])]) {
    assert.equal((await client.recognize(picture, { scales: [192], turned: 'never' })).faces.length, 1);
  }
  const { results } = await client.recognizeBatch([portrait, Uint8Array.of(1, 2, 3)], { top: 2 });
  const [first, second] = results;
  assert.deepEqual(first, expected);
  assert.ok(second !== undefined && 'problem' in second && second.problem.status === 422);
  const maps = await client.explain(portrait, { target: 'sadness' });
  assert.ok(explained !== undefined);
  const { box, lowContrast, explanation } = explained;
  assert.deepEqual(maps, {
    model: 'poster-v2-nano',
    faces: [{ box, lowContrast, ...explanationDocument(explanation) }],
  });
  const { models } = await client.models();
  assert.deepEqual(
    models.map(({ name, aligned, ready }) => [name, aligned, ready]),
    [['poster-v2-nano', false, true]],
  );
});

test("a client's errors have the kind of who is to blame, and the server's document", async () => {
  const client = createClient({ url: `${server.url}/`, key });
  const rejected = async (asked: Promise<unknown>): Promise<UserError> => {
    const error: unknown = await asked.then(
      () => assert.fail('answered'),
      (reason: unknown) => reason,
    );
    assert.ok(error instanceof UserError, String(error));
    return error;
  };
  const picture = await rejected(client.recognize(Uint8Array.of(1, 2, 3)));
  assert.ok(isOfKind(picture, 'input'));
  assert.match(problemIn(picture)?.type ?? '', /unusable-picture$/);
  assert.equal((await rejected(client.recognize(portrait, { maxFaces: 0 }))).kind, 'usage');
  assert.equal((await rejected(client.recognizeBatch([]))).kind, 'usage');
  const nobody = createClient({ url: server.url });
  assert.equal(problemIn(await rejected(nobody.models()))?.status, 401);
  const leaving = new AbortController();
  const left = client.recognize(portrait, { signal: leaving.signal });
  leaving.abort(new Error('no more'));
  await assert.rejects(left, /no more/);
  for (const url of ['ftp://a', 'http://name:word@host', 'http://host?x=1', 'http://']) {
    assert.throws(() => createClient({ url }), /is no address of a server/);
  }
  assert.throws(
    () => createClient({ url: server.url, key: 'a\nb' }),
    /^UserError: The key for the server has characters/,
  );
});

test('a client asks again where a server has no time, as often as it may, and follows nobody elsewhere', async () => {
  const busy = {
    type: 'urn:poster-v2:problem:overloaded',
    title: 'Busy',
    status: 503,
    detail: 'Busy.',
    requestId: '1',
  };
  let asked = 0;
  const once503 = await answering((_, response) => {
    if (asked++ === 0) response.writeHead(503, { 'retry-after': '1' }).end(JSON.stringify(busy));
    else response.writeHead(200).end(JSON.stringify({ models: [] }));
  });
  assert.deepEqual(await createClient({ url: once503.url }).models(), { models: [] });
  assert.equal(asked, 2);
  asked = 0;
  await assert.rejects(createClient({ url: once503.url, retries: 0 }).models(), {
    kind: 'resources',
    message: 'Busy.',
  });
  once503.close();
  asked = 0;
  // Such as a picture that ends the networks each time.
  const ending = await answering((_, response) => {
    asked++;
    const type = 'urn:poster-v2:problem:no-resources';
    response.writeHead(503, { 'retry-after': '1' }).end(JSON.stringify({ ...busy, type }));
  });
  await assert.rejects(createClient({ url: ending.url }).models(), { kind: 'resources', message: 'Busy.' });
  assert.equal(asked, 2);
  ending.close();
  const elsewhere = await answering((_, response) => response.writeHead(307, { location: server.url }).end());
  await assert.rejects(createClient({ url: elsewhere.url, key }).models(), /answered 307, and is no poster serve/);
  elsewhere.close();
  const silent = await answering(() => undefined);
  await assert.rejects(createClient({ url: silent.url, timeout: 0.2 }).models(), /did not answer within 0.2 s/);
  silent.close();
});
