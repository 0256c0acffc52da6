import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { copyFile, readdir, rm, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { WebSocket } from 'ws';
import { bundledCheckpoint } from '../src/node/host/bundled-weights.js';
import { cameraFrame } from '../src/node/serve/cameras.js';
import { serve } from '../src/node/serve/index.js';
import { temporaryFolder } from '../src/recognize/helpers.test.js';
import { problemDocument } from '../src/service/problem-document.js';
import { connectedCamera } from './support/camera.js';
import { fails, main } from './support/cli.js';
import { ask, cheap, portrait, problem, ServerLog, served, stillWorks } from './support/served.js';

/** Where there are no groups of processes. */
const skip = process.platform === 'win32';
/** Which tells the threads of processes. */
const isLinux = process.platform === 'linux';

test('a server listens at once, and takes requests when its networks are loaded', async (t) => {
  // So slow a client is more than Node has patience with by itself.
  const server = await serve({ port: 0, log: 'silent', recognizer: cheap, slow: 600 });
  t.after(() => server.close());
  const early = await fetch(`${server.url}/readyz`);
  assert.deepEqual([early.status, await early.json()], [503, { status: 'loading' }]);
  assert.equal((await fetch(`${server.url}/healthz`)).status, 200);
  assert.match((await problem(await ask(server.url), 503)).type, /loading$/);
  await server.ready;
  assert.equal((await fetch(`${server.url}/readyz`)).status, 200);
  await stillWorks(server.url);
  const port = Number(new URL(server.url).port);
  await assert.rejects(serve({ port }), new RegExp(`^UserError: Port ${port} of 127\\.0\\.0\\.1 is taken`));
  await server.close();
  await assert.rejects(fetch(`${server.url}/healthz`));
});

test('under more than it can do a server answers rightly or says when to come again', async (t) => {
  const server = await served({ concurrency: 1, maxQueue: 2 }, t);
  const responses = await Promise.all(Array.from({ length: 12 }, () => ask(server.url)));
  const turnedAway = responses.filter(({ status }) => status === 503);
  assert.ok(turnedAway.length > 0 && turnedAway.length < 12);
  for (const response of turnedAway) {
    assert.ok(Number(response.headers.get('retry-after')) >= 1);
    assert.match((await problem(response, 503)).type, /overloaded$/);
  }
  for (const response of responses) {
    if (response.status === 503) continue;
    assert.equal(response.status, 200);
    assert.match(await response.text(), /"expression":"happiness"/);
  }
  await stillWorks(server.url);
});

test('a client may have so many requests in hand', async (t) => {
  const server = await served({ clientRequests: 1 }, t);
  const responses = await Promise.all(Array.from({ length: 4 }, () => ask(server.url)));
  assert.deepEqual(new Set(responses.map(({ status }) => status)), new Set([200, 429]));
  await stillWorks(server.url);
});

test('requests in a row on a connection that breaks off are given up, and count no more', async (t) => {
  const server = await served({ clientRequests: 2, deadline: 600, drain: 1 }, t);
  const { hostname, port } = new URL(server.url);
  const body = JSON.stringify({ images });
  const head = `POST /v1/recognize/batch HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n`;
  const socket = connect(Number(port), hostname);
  socket.on('error', () => undefined);
  // Answers come in the order of their requests: the second one waits for that of the first.
  for (let i = 0; i < 2; i++) socket.write(`${head}content-length: ${body.length}\r\n\r\n${body}`);
  while (!(await figure(server.url, 'poster_requests_in_hand', 2))) await sleep(1);
  socket.destroy();
  while (!(await figure(server.url, 'poster_requests_in_hand', 0))) await sleep(1);
  assert.ok(await figure(server.url, 'poster_pictures_total', 0));
  // So many as a client may have in hand.
  await Promise.all([stillWorks(server.url), stillWorks(server.url)]);
});

test('what takes longer than its deadline is given up, and so is what nobody waits for', async (t) => {
  const server = await served({ deadline: 0.1 }, t);
  const images = Array.from({ length: 30 }, () => portrait.toString('base64'));
  const batch = { method: 'POST', body: JSON.stringify({ images }), headers: { 'content-type': 'application/json' } };
  await problem(await fetch(`${server.url}/v1/recognize/batch`, batch), 504);
  await server.close();
  const patient = await served({}, t);
  const leaving = new AbortController();
  const left = fetch(`${patient.url}/v1/recognize/batch`, { ...batch, signal: leaving.signal });
  await sleep(50);
  leaving.abort();
  await assert.rejects(left, { name: 'AbortError' });
  await stillWorks(patient.url);
  const figures = await (await fetch(`${patient.url}/metrics`)).text();
  assert.match(figures, /^poster_requests_in_hand 0$/m);
});

/** Waits until so many requests are worked on, or one of them is answered. */
async function inHand(url: string, asked: readonly Promise<Response>[]): Promise<void> {
  let answered = false;
  const settle = (): void => {
    answered = true;
  };
  for (const one of asked) one.then(settle, settle);
  while (!answered) {
    if (await figure(url, 'poster_requests_in_hand', asked.length)) return;
    await sleep(1);
  }
}

/** Whether a figure has this value. */
async function figure(url: string, name: string, value: number): Promise<boolean> {
  const figures = await (await fetch(`${url}/metrics`)).text();
  return figures.split('\n').includes(`${name} ${value}`);
}

const images = Array.from({ length: 12 }, () => portrait.toString('base64'));
/** Many pictures in one request. */
const askMany = (url: string): Promise<Response> =>
  fetch(`${url}/v1/recognize/batch`, {
    method: 'POST',
    body: JSON.stringify({ images }),
    headers: { 'content-type': 'application/json' },
  });

test('the process of the networks is killed in the middle of load: what is in hand gets 503, the next is served', async (t) => {
  const log = new ServerLog();
  // However busy the machine is: this is not about deadlines.
  const server = await served({ deadline: 600, drain: 600, log: 'info', logTo: log }, t);
  const killed = log.networksPid;
  const some = [askMany(server.url), askMany(server.url), askMany(server.url)];
  await inHand(server.url, some);
  process.kill(killed, 'SIGKILL');
  for (const lost of await Promise.all(some)) {
    assert.equal(lost.headers.get('retry-after'), '1');
    const { type, detail } = await problem(lost, 503);
    assert.match(type, /no-resources$/);
    assert.match(detail, /^The process that recognises pictures has ended \(SIGKILL\)/);
  }
  const meanwhile = await fetch(`${server.url}/readyz`);
  assert.deepEqual([meanwhile.status, await meanwhile.json()], [503, { status: 'restarting' }]);
  assert.equal((await fetch(`${server.url}/healthz`)).status, 200);
  // It waits for the next process.
  await stillWorks(server.url);
  assert.equal((await fetch(`${server.url}/readyz`)).status, 200);
  assert.notEqual(log.networksPid, killed);
  assert.ok(await figure(server.url, 'poster_networks_restarts_total', 1));

  // Stopping: what is in hand is answered, what comes gets 503, and whoever watches is told.
  const last = askMany(server.url);
  await inHand(server.url, [last]);
  const closed = server.close();
  const [late, ready] = await Promise.all([ask(server.url), fetch(`${server.url}/readyz`)]);
  assert.match((await problem(late, 503)).type, /draining$/);
  assert.deepEqual([ready.status, await ready.json()], [503, { status: 'draining' }]);
  assert.equal((await last).status, 200);
  await closed;
  await assert.rejects(fetch(`${server.url}/healthz`));
  assert.throws(() => process.kill(log.networksPid, 0), { code: 'ESRCH' });
});

test('a process of the networks that does not start is started again later; meanwhile requests get 503', async (t) => {
  const checkpoint = join(await temporaryFolder(t), 'weights.safetensors');
  await copyFile(bundledCheckpoint(), checkpoint);
  const log = new ServerLog();
  const recognizer = { ...cheap, checkpoint };
  const server = await served({ deadline: 600, log: 'info', logTo: log, recognizer }, t);
  await rm(checkpoint);
  process.kill(log.networksPid, 'SIGKILL');
  while (!log.messages.includes('the networks did not start')) await sleep(5);
  const turnedAway = await ask(server.url);
  assert.ok(Number(turnedAway.headers.get('retry-after')) >= 1);
  assert.match((await problem(turnedAway, 503)).type, /loading$/);
  assert.deepEqual(await (await fetch(`${server.url}/readyz`)).json(), { status: 'loading' });
  await copyFile(bundledCheckpoint(), checkpoint);
  while ((await fetch(`${server.url}/readyz`)).status !== 200) await sleep(20);
  await stillWorks(server.url);
  assert.ok(log.messages.filter((message) => message === 'the networks are started again').length >= 2);
});

test('keys, origins and rates: who may ask, and how often', async (t) => {
  const keyFile = join(await temporaryFolder(t), 'keys.txt');
  const [first, second] = ['first-key-0123456789', 'second-key-0123456789'];
  await writeFile(keyFile, `# keys\n${first}\n\n${second}\n`);
  const server = await served({ keyFile, corsOrigins: ['https://example.org'], rate: 20 }, t);
  const given = (key: string): RequestInit => ({ headers: { authorization: `Bearer ${key}` } });
  const none = await ask(server.url);
  assert.equal(none.headers.get('www-authenticate'), 'Bearer');
  await problem(none, 401);
  for (const wrong of ['x', first.slice(1), `${first}${second}`, 'y'.repeat(5000)]) {
    await problem(await ask(server.url, given(wrong)), 401);
  }
  assert.equal((await ask(server.url, given(first))).status, 200);
  assert.equal((await ask(server.url, { headers: { 'x-api-key': second } })).status, 200);
  for (const path of ['/v1/models', '/metrics']) await problem(await fetch(`${server.url}${path}`), 401);
  assert.equal((await fetch(`${server.url}/readyz`)).status, 200);
  await writeFile(keyFile, `${second}\n`);
  await server.reloadKeys();
  await problem(await ask(server.url, given(first)), 401);
  await writeFile(keyFile, 'short\n');
  await assert.rejects(server.reloadKeys(), /^UserError: The file .* has a key below 16 characters/);
  await writeFile(keyFile, 'two words and more of them\n');
  await assert.rejects(server.reloadKeys(), /^UserError: The file .* has a key that no header can carry/);
  const asPage = async (origin: string): Promise<string | null> =>
    (await ask(server.url, { headers: { 'x-api-key': second, origin } })).headers.get('access-control-allow-origin');
  assert.equal(await asPage('https://example.org'), 'https://example.org');
  assert.equal(await asPage('https://example.com'), null);
  // A page may read why it was refused.
  const refused = await ask(server.url, { headers: { origin: 'https://example.org' } });
  assert.deepEqual([refused.status, refused.headers.get('access-control-allow-origin')], [401, 'https://example.org']);
  let last: Response;
  let asked = 0;
  do last = await fetch(`${server.url}/v1/models`, { headers: { 'x-api-key': second } });
  while (last.status === 200 && ++asked < 20);
  assert.ok(Number(last.headers.get('retry-after')) > 0);
  await problem(last, 429);
  assert.equal((await fetch(`${server.url}/readyz`)).status, 200);
});

test('behind a proxy a client is the address that the proxy adds, not one that it writes itself', async (t) => {
  const server = await served({ trustProxy: true, rate: 2 }, t);
  const asked = async (forwarded: string): Promise<number> => {
    const response = await fetch(`${server.url}/v1/models`, { headers: { 'x-forwarded-for': forwarded } });
    await response.arrayBuffer();
    return response.status;
  };
  const statuses = [];
  for (let i = 0; i < 3; i++) statuses.push(await asked(`6.6.6.${i}, 203.0.113.9`));
  assert.deepEqual(statuses, [200, 200, 429]);
  assert.equal(await asked('6.6.6.0, 203.0.113.10'), 200);
});

test('pages of other origins may neither send pictures nor open cameras, unless they are named', async (t) => {
  const { url } = await served({ corsOrigins: ['https://example.org'] }, t);
  const camera = async (origin: string): Promise<number> => {
    const socket = new WebSocket(`${url.replace('http', 'ws')}/v1/camera`, { origin });
    const [kind, status] = await Promise.race([
      once(socket, 'open').then(() => ['open', 101] as const),
      once(socket, 'unexpected-response').then(([, { statusCode }]) => ['refused', Number(statusCode)] as const),
    ]);
    socket.on('error', () => undefined);
    if (kind === 'open') socket.close();
    else socket.terminate();
    return status;
  };
  /** A form, which browsers send without asking before. */
  const form = (origin: string): Promise<Response> => {
    const body = new FormData();
    body.set('image', new Blob([Uint8Array.from(portrait)]), 'a.png');
    return fetch(`${url}/v1/recognize`, { method: 'POST', body, headers: { origin } });
  };
  const others = ['https://example.com', 'http://example.org', 'http://127.0.0.1:1', 'null', 'file://', 'nonsense'];
  for (const origin of others) {
    assert.equal(await camera(origin), 403, origin);
    assert.match((await problem(await form(origin), 403)).type, /forbidden$/, origin);
  }
  for (const origin of ['https://example.org', url]) {
    assert.equal(await camera(origin), 101, origin);
    assert.equal((await form(origin)).status, 200, origin);
  }
  // They need no leave.
  assert.equal((await fetch(`${url}/readyz`, { headers: { origin: 'https://example.com' } })).status, 200);
});

test('behind a proxy the own origin is the host that the proxy was asked for', async (t) => {
  const { url } = await served({ trustProxy: true }, t);
  const asked = async (origin: string, host: string): Promise<number> => {
    const response = await fetch(`${url}/v1/models`, { headers: { origin, 'x-forwarded-host': host } });
    await response.arrayBuffer();
    return response.status;
  };
  assert.equal(await asked('https://faces.example.org', 'faces.example.org'), 200);
  assert.equal(await asked('https://faces.example.org', 'FACES.example.org:443'), 200);
  assert.equal(await asked('https://other.example.org', 'faces.example.org'), 403);
});

test('origins that no browser sends are refused when the server starts', async (t) => {
  const never = [
    'https://example.org/',
    'https://Example.org',
    'https://example.org:443',
    'example.org',
    'https://',
    '',
  ];
  for (const origin of [...never, 'https://a.org,https://b.org', 'app://local/page']) {
    await assert.rejects(
      serve({ port: 0, log: 'silent', corsOrigins: [origin] }),
      /^UserError: The server cannot be run so: .*must be an origin such as https:\/\/example\.org/,
      origin,
    );
  }
  const corsOrigins = ['https://example.org', 'http://localhost:3000', 'http://[::1]:3000', 'app://local', 'null', '*'];
  const server = await serve({ port: 0, log: 'silent', recognizer: cheap, corsOrigins });
  t.after(() => server.close());
});

test('every origin may ask where all are named', async (t) => {
  const { url } = await served({ corsOrigins: ['*'] }, t);
  for (const origin of ['https://example.com', 'null']) {
    const response = await fetch(`${url}/v1/models`, { headers: { origin } });
    await response.arrayBuffer();
    assert.deepEqual([response.status, response.headers.get('access-control-allow-origin')], [200, '*']);
  }
});

test('a camera goes on after the process of the networks was killed', async (t) => {
  const log = new ServerLog();
  const server = await served({ slow: 600, log: 'info', logTo: log }, t);
  const { socket, next, closed } = await connectedCamera(server.url);
  t.after(() => socket.terminate());
  socket.send(portrait);
  assert.equal(cameraFrame.parse(await next()).frame, 0);
  socket.send(portrait);
  process.kill(log.networksPid, 'SIGKILL');
  let answer = await next();
  // Unless the frame was not in hand yet.
  const { success: isProblem, data } = problemDocument.safeParse(answer);
  if (isProblem) {
    assert.equal(data.status, 503);
    socket.send(portrait);
    answer = await next();
  }
  const { frame, faces } = cameraFrame.parse(answer);
  assert.deepEqual(
    [frame, faces.map(({ id, expression }) => `${id} ${expression}`)],
    [isProblem ? 2 : 1, ['1 happiness']],
  );
  socket.close();
  assert.equal(await closed, 1005);
});

/** Starts the command, in a group of processes of its own, and waits until it takes requests. */
async function serving(t: TestContext, options: readonly string[] = [], program = main): Promise<Serving> {
  const child = spawn(process.execPath, [program, 'serve', '--port', '0', '--threads', '1', ...options], {
    cwd: tmpdir(),
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true,
  });
  t.after(() => child.kill('SIGKILL'));
  const log = new ServerLog();
  let stderr = '';
  // The process of the networks has the same standard error: it is closed once both have ended.
  const ended = once(child, 'close').then(([code]) => ({ code: code as number | null, stderr }));
  const url = await new Promise<string>((resolve, reject) => {
    child.once('exit', () => reject(new Error(`It ended before it was ready: ${stderr}`)));
    // The log and the line that it is ready come by two streams, in any order.
    const ready = (): void => {
      const [, found] = /^Ready: (http:\S+)\/docs/m.exec(stderr) ?? [];
      if (found !== undefined && log.messages.includes('the networks are loaded')) resolve(found);
    };
    child.stdout.on('data', (data: Buffer) => {
      log.write(data.toString());
      ready();
    });
    child.stderr.on('data', (data: Buffer) => {
      stderr += data.toString();
      ready();
    });
  });
  return { child, url, log, ended };
}

interface Serving {
  readonly child: ChildProcess;
  readonly url: string;
  readonly log: ServerLog;
  readonly ended: Promise<{ readonly code: number | null; readonly stderr: string }>;
}

test('poster serve says how it runs, answers, and SIGTERM lets what is in hand end', async (t) => {
  const { child, url, log, ended } = await serving(t, ['--max-queue', '7']);
  const asked = ask(url);
  await inHand(url, [asked]);
  child.kill('SIGTERM');
  const response = await asked;
  assert.equal(response.status, 200);
  await response.arrayBuffer();
  const { code, stderr } = await ended;
  assert.equal(code, 0, stderr);
  assert.match(stderr, /^ {2}maxQueue: 7$/m);
  assert.ok(log.messages.includes('answered'));
});

test('Ctrl-C, which all processes of the terminal get, lets what is in hand end too', { skip }, async (t) => {
  const { child, url, ended } = await serving(t);
  const asked = ask(url);
  await inHand(url, [asked]);
  process.kill(-(child.pid ?? assert.fail()), 'SIGINT');
  const response = await asked;
  assert.equal(response.status, 200);
  await response.arrayBuffer();
  const { code, stderr } = await ended;
  assert.equal(code, 0, stderr);
});

test('SIGHUP says what became of the keys', { skip }, async (t) => {
  const keyFile = join(await temporaryFolder(t), 'keys.txt');
  await writeFile(keyFile, 'first-key-0123456789\n');
  const said = async (options: readonly string[], wanted: RegExp): Promise<void> => {
    const { child, ended } = await serving(t, options);
    const { stderr: heard } = child;
    assert.ok(heard);
    let text = '';
    const found = new Promise<void>((resolve) => {
      heard.on('data', (data: Buffer) => {
        text += data.toString();
        if (wanted.test(text)) resolve();
      });
    });
    child.kill('SIGHUP');
    await found;
    child.kill('SIGTERM');
    assert.equal((await ended).code, 0);
  };
  await said([], /^There is no file of keys to read again/m);
  await said(['--key-file', keyFile], /^The keys were read again\.$/m);
});

test('whoever kills the server leaves no process of the networks behind', { skip }, async (t) => {
  const { child, url, ended } = await serving(t);
  const asked = ask(url);
  // Nobody answers any more.
  asked.catch(() => undefined);
  await inHand(url, [asked]);
  child.kill('SIGKILL');
  const { code } = await ended;
  assert.equal(code, null);
});

test('the networks of the bundled command have the threads that are asked for', { skip: !isLinux }, async (t) => {
  const bundled = fileURLToPath(new URL('../cli/poster.js', import.meta.url));
  const threadsOf = async (threads: string): Promise<number> => {
    const { child, log, ended } = await serving(t, ['--threads', threads], bundled);
    const { length } = await readdir(`/proc/${log.networksPid}/task`);
    child.kill('SIGTERM');
    assert.equal((await ended).code, 0);
    return length;
  };
  const [one, three] = [await threadsOf('1'), await threadsOf('3')];
  // Two more for the detector, and two more for the network.
  assert.equal(three - one, 4);
});

test('settings that cannot be are told in a sentence', async (t) => {
  const folder = await temporaryFolder(t);
  await writeFile(join(folder, 'odd.json'), '{"maxQueue": 3, "nonsense": 1}');
  assert.ok(main.length > 0);
  await fails(['serve', '--max-queue', 'many'], folder, 2, /^poster: The value of --max-queue cannot be used/m);
  await fails(['serve', '--max-body', '5000000000'], folder, 2, /^poster: The value of --max-body cannot be used/m);
  await fails(
    ['serve', '--max-bodies', '1000'],
    folder,
    2,
    /maxBody is 33554432 bytes, more than the 1000 of maxBodies/,
  );
  await fails(['serve', '--page', 'perhaps'], folder, 2, /^poster: The value of --page cannot be used/m);
  await fails(['serve', '--tls-cert', 'a.pem'], folder, 2, /TLS needs a certificate and its key/);
  await fails(['serve', '--config', 'odd.json'], folder, 2, /odd\.json cannot be used.*nonsense/);
  await fails(['serve', '--key-file', 'none.txt'], folder, 3, /none\.txt/);
});
