// Runs test files, each in a process of its own that has a deadline: what hangs fails with its name, and the others go on.
import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { basename, join, relative, resolve } from 'node:path';
import { root } from './steps.mjs';

const noSpinning = new URL('no-spinning.mjs', import.meta.url).href;
const minutes = 60_000;
const seconds = 1_000;
/** How many of the slowest files are printed. */
const slowest = 10;

/**
 * Runs test files in this order and prints what they report. The exit code is 1 where a test fails or a file misses its deadline.
 * @param files paths from the project's root, or absolute
 * @param options.concurrency one more than there are processors: files of browsers and servers wait a good deal
 * @param options.deadline milliseconds from a file's start to the end of its process
 * @param options.grace milliseconds that processes have to end after they are told to, and a file's children after it
 */
export async function runTestFiles(
  files,
  { concurrency = availableParallelism() + 1, deadline = 10 * minutes, grace = 30 * seconds } = {},
) {
  const folder = mkdtempSync(join(tmpdir(), 'poster-tests-'));
  const running = new Map();
  const stop = (signal) => {
    for (const [child, file] of running) {
      console.log(`${file} was running`);
      signalGroup(child, 'SIGTERM');
    }
    rmSync(folder, { recursive: true, force: true });
    process.exit(signal === 'SIGINT' ? 130 : 143);
  };
  process.once('SIGINT', stop).once('SIGTERM', stop);
  const waiting = files.map((file, index) => ({ file, report: join(folder, `${index}.txt`) }));
  const results = [];
  const work = async () => {
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
      const result = await runFile(next, { deadline, grace, running });
      console.log(textOf(result));
      results.push(result);
    }
  };
  await Promise.all(Array.from({ length: concurrency }, work));
  process.off('SIGINT', stop).off('SIGTERM', stop);
  rmSync(folder, { recursive: true, force: true });
  console.log(summary(results));
  if (results.some(({ problem }) => problem !== undefined)) process.exitCode = 1;
}

/** Resolves when the file's process has ended, whatever its children do. */
async function runFile({ file, report }, { deadline, grace, running }) {
  const start = performance.now();
  const { NODE_TEST_CONTEXT: _, ...env } = process.env;
  // The report goes to a file: tests look at what is written to standard output.
  const child = spawn(
    process.execPath,
    [`--import=${noSpinning}`, '--test-reporter=spec', `--test-reporter-destination=${report}`, resolve(root, file)],
    // A group of its own, which can be ended with all of its processes.
    { cwd: root, env, detached: true, stdio: ['ignore', 'pipe', 'pipe'] },
  );
  running.set(child, file);
  const printed = [];
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => printed.push(chunk));
  const exited = new Promise((resolve) => {
    child.once('error', (error) => resolve({ problem: error.message }));
    child.once('exit', (code, signal) => resolve({ problem: code === 0 ? undefined : `ended with ${signal ?? code}` }));
  });
  const closed = new Promise((resolve) => {
    child.once('close', () => resolve({}));
  });
  const late = { problem: `did not end within ${deadline / seconds} s` };
  let { problem } = await within(deadline, exited, late);
  if (problem === late.problem) {
    signalGroup(child, 'SIGTERM');
    await within(grace, exited, late);
  } else {
    const left = { problem: 'left a process behind that holds its output' };
    problem ??= (await within(grace, closed, left)).problem;
  }
  signalGroup(child, 'SIGKILL');
  await within(grace, closed, {});
  // A process of another group may still hold them.
  for (const stream of [child.stdout, child.stderr]) stream.destroy();
  running.delete(child);
  return {
    file,
    problem,
    seconds: (performance.now() - start) / seconds,
    report: existsSync(report) ? readFileSync(report, 'utf8') : '',
    printed: Buffer.concat(printed).toString(),
  };
}

/** What the promise gives, or the other value where it takes longer. */
async function within(milliseconds, promise, otherwise) {
  let timer;
  const timeout = new Promise((resolve) => {
    timer = setTimeout(resolve, milliseconds, otherwise);
  });
  try {
    return await Promise.race([promise, timeout]);
  } finally {
    clearTimeout(timer);
  }
}

function signalGroup({ pid }, signal) {
  if (pid === undefined) return;
  try {
    process.kill(process.platform === 'win32' ? pid : -pid, signal);
  } catch {
    // All of them have ended.
  }
}

/** A line of the reporter's summary: `ℹ tests 12`. */
const count = /^ℹ (tests|pass|fail|cancelled|skipped|todo) (\d+)$/gm;
const startOfSummary = /^ℹ (?:tests|suites) \d+$/m;

const textOf = ({ file, problem, seconds, report, printed }) =>
  [
    `▶ ${nameOf(file)} (${seconds.toFixed(1)} s)`,
    report.split(startOfSummary)[0].trimEnd(),
    printed.trimEnd(),
    ...(problem === undefined ? [] : [`✖ ${nameOf(file)} ${problem}`]),
  ]
    .filter((text) => text !== '')
    .join('\n');

const nameOf = (file) => {
  const name = relative(root, resolve(root, file));
  return name.startsWith('..') ? basename(file) : name;
};

function summary(results) {
  const totals = new Map();
  for (const { report } of results) {
    for (const [, what, number] of report.matchAll(count)) totals.set(what, (totals.get(what) ?? 0) + Number(number));
  }
  const bySeconds = results.toSorted((one, other) => other.seconds - one.seconds).slice(0, slowest);
  const failed = results.filter(({ problem }) => problem !== undefined);
  return [
    '',
    'Slowest files:',
    ...bySeconds.map(({ file, seconds }) => `${seconds.toFixed(1).padStart(7)} s  ${nameOf(file)}`),
    '',
    `ℹ files ${results.length}, ${failed.length} of them failed`,
    ...[...totals].map(([what, number]) => `ℹ ${what} ${number}`),
    ...failed.flatMap(({ file, problem, report }) => [
      '',
      `✖ ${nameOf(file)} ${problem}`,
      ...report.split(/^✖ failing tests:$/m).slice(1, 2),
    ]),
  ].join('\n');
}
