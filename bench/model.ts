/*
 * `npm run bench:model`, and in `npm run bench`: POSTER V2 here and in PyTorch, in turns on the same machine, 2 threads each: forward with batch 1
 * and 8, a training step (forward, backward, Adam) with batch 8, and peak memory, each kind in fresh processes.
 * Options: --runs N (default 7), --python PATH (default python3), --reference PATH of the PyTorch network. Where that
 * interpreter has no PyTorch or the reference is not there, our side is measured alone.
 */
import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { writeBenchCheckpoint } from './checkpoint.js';
import { median, settle } from './turns.js';

const { values: options } = parseArgs({
  options: {
    runs: { type: 'string', default: '7' },
    threads: { type: 'string', default: '2' },
    python: { type: 'string', default: 'python3' },
    reference: { type: 'string', default: '../shared/reference/poster_v2.py' },
  },
});

interface Reply {
  readonly seconds?: number;
  readonly bytes?: number;
  readonly error?: string;
}

/** A process that answers a JSON line with a JSON line. */
class Subject {
  readonly #child: ChildProcessWithoutNullStreams;
  readonly #lines: AsyncIterator<string>;

  constructor(command: string, args: readonly string[]) {
    this.#child = spawn(command, args, { stdio: ['pipe', 'pipe', 'pipe'] });
    this.#child.stderr.resume();
    this.#child.on('error', () => undefined);
    this.#child.stdin.on('error', () => undefined);
    this.#lines = createInterface({ input: this.#child.stdout })[Symbol.asyncIterator]();
  }

  /** Undefined when the process ended. */
  async read(): Promise<Reply | undefined> {
    const line = await this.#lines.next();
    return line.done ? undefined : (JSON.parse(line.value) as Reply);
  }

  async ask(request: object): Promise<Reply> {
    this.#child.stdin.write(`${JSON.stringify(request)}\n`);
    const reply = await this.read();
    if (reply === undefined || reply.error !== undefined) throw new Error(reply?.error ?? 'the process ended');
    return reply;
  }

  end(): void {
    this.#child.stdin.write('{"op":"quit"}\n');
    this.#child.stdin.end();
  }
}

const fixed = (value: number, digits: number): string => value.toFixed(digits).padStart(9);

async function measure(
  ours: Subject,
  theirs: Subject | undefined,
  op: string,
  batch: number,
  runs: number,
): Promise<readonly [number[], number[]]> {
  const warmUps = 3;
  const mine: number[] = [];
  const others: number[] = [];
  for (let i = 0; i < runs + warmUps; i++) {
    await settle();
    const a = (await ours.ask({ op, batch })).seconds ?? Number.NaN;
    if (theirs) await settle();
    const b = theirs ? ((await theirs.ask({ op, batch })).seconds ?? Number.NaN) : Number.NaN;
    if (i < warmUps) continue;
    mine.push(a);
    others.push(b);
  }
  return [mine, others];
}

function openPyTorch(): Subject | undefined {
  const reference = options.reference;
  if (!existsSync(reference)) return undefined;
  const script = fileURLToPath(new URL('../../bench/pytorch.py', import.meta.url));
  return new Subject(options.python, [script, reference, '--threads', options.threads, '--leave-out-unused']);
}

const { folder, path } = await writeBenchCheckpoint();
try {
  const script = fileURLToPath(new URL('./subject.js', import.meta.url));
  console.log(`POSTER V2, ${options.threads} threads, medians of ${options.runs} runs taken in turns`);
  console.log(`${''.padEnd(26)}${'ours'.padStart(9)}${'PyTorch'.padStart(10)}${'PyTorch/ours'.padStart(14)}`);
  const row = (name: string, ours: number, theirs: number, digits: number, unit: string): void => {
    const ratio = Number.isNaN(theirs) ? ''.padStart(14) : (theirs / ours).toFixed(2).padStart(14);
    const other = Number.isNaN(theirs) ? '-'.padStart(10) : ` ${fixed(theirs, digits)}`;
    console.log(`${`${name} (${unit})`.padEnd(26)}${fixed(ours, digits)}${other}${ratio}`);
  };
  for (const kind of [
    { op: 'forward', batches: [1, 8] },
    { op: 'step', batches: [8] },
  ]) {
    const ours = new Subject(process.execPath, [script, path, options.threads]);
    await ours.read();
    let theirs = openPyTorch();
    if (theirs && (await theirs.read()) === undefined) theirs = undefined;
    for (const batch of kind.batches) {
      const [mine, others] = await measure(ours, theirs, kind.op, batch, Number(options.runs));
      row(`${kind.op}, batch ${batch}`, median(mine), median(others), 3, 's');
    }
    const bytes = async (subject: Subject | undefined): Promise<number> =>
      subject ? ((await subject.ask({ op: 'memory' })).bytes ?? Number.NaN) / 2 ** 20 : Number.NaN;
    row(`${kind.op}, peak memory`, await bytes(ours), await bytes(theirs), 0, 'MiB');
    ours.end();
    theirs?.end();
  }
} finally {
  await rm(folder, { recursive: true, force: true });
}
