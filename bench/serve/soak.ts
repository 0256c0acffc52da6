import { connect } from 'node:net';
import sharp from 'sharp';
import { itemAt } from '../../src/common/item-at.js';
import { type Random, random as randomOf } from '../../src/common/random.js';
import { bound, megabytes, quantile } from './bounds.js';
import { type Asked, ask, isSame, manySockets, memoryOf, startServer } from './server.js';

export interface SoakOptions {
  readonly picture: Uint8Array;
  /** Pictures in all. */
  readonly pictures: number;
  readonly threads: number | undefined;
}

/** Pictures that are made before; each is sent many times. */
const most = 300;
const clients = 8;
const hostileShare = 0.02;
/** Of the pictures, those that are looked at as closely as a server does by itself: it takes four times as long. */
const closeShare = 0.05;
const cheapQuery = '?scales=96&turned=false';
/** Wrong answers that are printed as they come. */
const shownAtMost = 20;
/** Milliseconds between two lines about how far it is. */
const progressEvery = 10_000;

/** Pictures of random sizes and formats, and a few that are none: memory must stay, and each must be answered as the first time. */
export async function measureSoak({ picture, pictures, threads }: SoakOptions): Promise<void> {
  const random = randomOf(1, 'soak');
  const server = await startServer(threads === undefined ? [] : ['--threads', String(threads)]);
  const agent = manySockets();
  const good = await varied(picture, Math.min(most, pictures), random);
  const bad = hostile(picture);
  const expected = new Map<Asked, { readonly status: number; readonly text: string }>();
  for (const one of [...good, ...bad]) expected.set(one, await ask(server.url, agent, one));
  const begun = performance.now();
  let sent = 0;
  const progress = setInterval(() => {
    const left = ((performance.now() - begun) / sent) * (pictures - sent);
    console.error(`${sent} of ${pictures} pictures; about ${Math.ceil(left / 60_000)} minutes more.`);
  }, progressEvery);
  let left = 0;
  const wrong: string[] = [];
  const memory: number[] = [];
  await server.pause();
  let sampled = 0;
  const client = async (): Promise<void> => {
    while (sent < pictures) {
      sent++;
      const isHostile = random.next() < hostileShare;
      const list = isHostile ? bad : good;
      const one = itemAt(list, random.int(list.length));
      if (isHostile && random.next() < 0.2) {
        left++;
        await leave(server.url);
      } else {
        const answer = await ask(server.url, agent, one);
        const before = expected.get(one);
        if (before === undefined || answer.status !== before.status || !isSame(answer.text, before.text)) {
          wrong.push(`${one.type}: ${shown(before)} before, now ${shown(answer)}`);
          if (wrong.length <= shownAtMost) console.error(wrong.at(-1));
        }
      }
      if ((sent * 200) / pictures >= sampled + 1) {
        sampled++;
        memory.push(await memoryOf(server.url));
      }
    }
  };
  await Promise.all(Array.from({ length: clients }, client)).finally(() => clearInterval(progress));
  const seconds = (performance.now() - begun) / 1000;
  agent.destroy();
  const pause = await server.pause();
  const code = await server.stop();
  console.log(
    `${sent} pictures in ${seconds.toFixed(0)} s, ${(sent / seconds).toFixed(1)} a second; ${left} left early.`,
  );
  const tenth = Math.ceil(memory.length / 10);
  const [early, late] = [memory.slice(tenth, 3 * tenth), memory.slice(-2 * tenth)].map((part) => quantile(part, 0.5));
  const growth = `${megabytes(early ?? Number.NaN)} in the second tenths, ${megabytes(late ?? Number.NaN)} in the last`;
  const curve = Array.from({ length: 10 }, (_, i) => memory.slice(i * tenth, (i + 1) * tenth));
  const levels = curve.filter((part) => part.length > 0).map((part) => megabytes(quantile(part, 0.5)));
  console.log(`Memory in each tenth: ${levels.join(', ')}.`);
  bound('none is misanswered', wrong.length === 0, `${wrong.length} of ${sent}`);
  bound('memory is flat within 10%', Number(late) <= 1.1 * Number(early), growth);
  bound("the event loop's longest pause is below 20 ms", pause < 20, `${pause.toFixed(1)} ms`);
  bound('the server stops with exit code 0', code === 0, String(code));
}

const shown = (answer: { readonly status: number; readonly text: string } | undefined): string =>
  answer === undefined ? 'nothing' : `${answer.status} ${answer.text.slice(0, 300)}`;

async function varied(picture: Uint8Array, variety: number, random: Random): Promise<Asked[]> {
  const made: Asked[] = [];
  for (let i = 0; i < variety; i++) {
    // From 40 to 2000 pixels: half of them below 110, one of ten above 1000, which take most of the time.
    const side = (): number => Math.round(40 * 50 ** (random.next() ** 2));
    const resized = sharp(picture).resize(side(), side(), { fit: 'cover' });
    const format = itemAt(['jpeg', 'png', 'webp'] as const, i % 3);
    const query = random.next() < closeShare ? {} : { query: cheapQuery };
    made.push({ type: `image/${format}`, body: await resized.toFormat(format).toBuffer(), ...query });
  }
  return made;
}

/** What clients send by mistake, or on purpose. */
function hostile(picture: Uint8Array): Asked[] {
  const octets = 'application/octet-stream';
  const bomb = Buffer.from(picture.subarray(0, 2000));
  bomb.writeUInt32BE(60_000, 16);
  bomb.writeUInt32BE(60_000, 20);
  const fill = Buffer.alloc(2 * 1024 * 1024, 0xff);
  fill.set([0xff, 0xd8]);
  const part = '--x\r\ncontent-type: image/png\r\n\r\nx\r\n';
  return [
    { type: octets, body: picture.subarray(0, 5000) },
    { type: octets, body: Buffer.from('no picture') },
    { type: octets, body: bomb },
    { type: octets, body: fill },
    { type: 'text/html', body: Buffer.from('<img>') },
    { type: 'application/json', body: Buffer.from(`${'['.repeat(100_000)}`) },
    { type: 'application/json', body: Buffer.from('{"image": "/etc/passwd"}') },
    { type: 'multipart/form-data; boundary=x', body: Buffer.from(`${part.repeat(10_000)}--x--\r\n`) },
    { type: 'multipart/form-data', body: Buffer.from('x') },
  ];
}

/** Begins a request and leaves. */
function leave(url: string): Promise<void> {
  const { hostname, port } = new URL(url);
  return new Promise((resolve) => {
    const socket = connect(Number(port), hostname);
    socket.on('error', () => undefined);
    socket.once('close', () => resolve());
    socket.write(
      'POST /v1/recognize HTTP/1.1\r\nhost: x\r\ncontent-type: image/png\r\ncontent-length: 1000\r\n\r\nshort',
      () => socket.destroy(),
    );
  });
}
