import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import sharp from 'sharp';
import { download } from '../src/node/decode/download.js';
import type { TimedPicture } from '../src/node/ffmpeg/index.js';
import { Recognizer } from '../src/recognize/index.js';
import { recognizeFrames } from '../src/video/index.js';
import { main, start } from './support/cli.js';

/** Answers with the beginning of something, and no more. */
const server = createServer((_, response) => response.write('abc'));
const skip = process.platform === 'win32';
let address = '';
let dir = '';

before(async () => {
  dir = await mkdtemp(join(tmpdir(), 'poster-stopping-'));
  // Faces are found in it in a tenth of the time: no side is long enough for the largest scale.
  const photo = sharp(fileURLToPath(new URL('../../assets/astronaut.png', import.meta.url))).resize(256);
  await photo.toFile(join(dir, 'photo.png'));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  address = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
});
after(async () => {
  server.closeAllConnections();
  server.close();
  await rm(dir, { recursive: true, force: true });
});

test('a silent server is given up', async () => {
  await assert.rejects(
    download(new URL(address), 'Picture a', { silence: 0.05 }),
    /^UserError: Picture a cannot be fetched \(nothing came from the server for 0\.05 s\)/,
  );
});

test('pictures that nobody waits for any more are given up, also those whose server goes on for ever', async () => {
  let closed: () => void = () => undefined;
  const givenUp = new Promise<void>((resolve) => {
    closed = resolve;
  });
  const dripping = createServer((_, response) => {
    const timer = setInterval(() => response.write('a'), 20);
    response.on('close', () => {
      clearInterval(timer);
      closed();
    });
  });
  dripping.listen(0, '127.0.0.1');
  await once(dripping, 'listening');
  const url = new URL(`http://127.0.0.1:${(dripping.address() as AddressInfo).port}/a.png`);
  const recognizer = await Recognizer.load({ aligned: true, threads: 1 });
  try {
    await assert.rejects(recognizer.recognize([Buffer.from('no picture'), url]), /Picture 1 is not a picture/);
    for await (const _ of recognizer.settle([join(dir, 'photo.png'), url])) break;
    await givenUp;
  } finally {
    await recognizer.dispose();
    dripping.closeAllConnections();
    dripping.close();
  }
});

test('an answer that is refused by its size is not waited for', async () => {
  let closed: () => void = () => undefined;
  const ended = new Promise<void>((resolve) => {
    closed = resolve;
  });
  const announcing = createServer((_, response) => {
    response.writeHead(200, { 'content-length': 3e8 }).write('abc');
    response.on('close', closed);
  });
  announcing.listen(0, '127.0.0.1');
  await once(announcing, 'listening');
  const url = new URL(`http://127.0.0.1:${(announcing.address() as AddressInfo).port}/`);
  try {
    await assert.rejects(download(url, 'Picture a'), /Picture a has more than the \d+ bytes/);
    // The collector would end it in the course of seconds.
    const late = new Promise((resolve) => setTimeout(resolve, 2000, 'late'));
    assert.notEqual(await Promise.race([ended, late]), 'late');
  } finally {
    announcing.closeAllConnections();
    announcing.close();
  }
});

test('frames that let wait do not hold up those before', async () => {
  const recognizer = await Recognizer.load({ aligned: true, threads: 1 });
  let give: () => void = () => undefined;
  async function* frames(): AsyncGenerator<TimedPicture> {
    const picture = { width: 48, height: 48, channels: 1, data: new Uint8Array(48 * 48) } as const;
    yield { time: 0, frame: 0, picture };
    await new Promise<void>((resolve) => {
      give = resolve;
    });
    yield { time: 1, frame: 1, picture };
  }
  const received: number[] = [];
  for await (const { frame } of recognizeFrames(recognizer, frames())) {
    received.push(frame);
    give();
  }
  assert.deepEqual(received, [0, 1]);
  await recognizer.dispose();
});

test('a stalled input holds up no results, and Ctrl-C gives it up', { skip }, async () => {
  const args = ['predict', 'photo.png', address, 'photo.png', '--json', '--csv', 'stalled.csv'];
  const { child, finished } = start(args, dir);
  child.stdout?.once('data', () => child.kill('SIGINT'));
  const { code, stdout, stderr } = await finished;
  assert.equal(code, 130, stderr);
  const { images, failed, interrupted } = JSON.parse(stdout) as Record<string, unknown[]>;
  assert.deepEqual([images?.length, failed, interrupted], [1, [], true]);
  assert.equal((await readFile(join(dir, 'stalled.csv'), 'utf8')).trim().split('\n').length, 2);
});

test('a stdout that nobody reads any more stops it: files are whole, none is left over', { skip }, async () => {
  const many = Array.from({ length: 200 }, () => 'photo.png');
  const { child, finished } = start(['predict', ...many, '--jsonl', '--csv', 'head.csv'], dir);
  child.stdout?.once('data', () => child.stdout?.destroy());
  const { code, stderr } = await finished;
  assert.equal(code, 130, stderr);
  assert.match(stderr, /^Stopped after \d+ of 200 pictures; their results are complete\.$/m);
  assert.match(await readFile(join(dir, 'head.csv'), 'utf8'), /\nphoto\.png,1,/);
  assert.deepEqual(
    (await readdir(dir)).filter((name) => name.endsWith('.tmp')),
    [],
  );
});

test('a full standard output is a sentence', { skip: !existsSync('/dev/full') }, async () => {
  const words = ['-c', 'exec "$0" "$@" > /dev/full', process.execPath, main, 'predict', 'photo.png'];
  const child = spawn('bash', words, { cwd: dir, stdio: ['ignore', 'ignore', 'pipe'] });
  let stderr = '';
  child.stderr?.on('data', (data) => {
    stderr += String(data);
  });
  const [code] = await once(child, 'close');
  assert.equal(stderr, 'poster: Cannot write standard output: the disk is full; free some space and run again.\n');
  assert.equal(code, 4);
});
