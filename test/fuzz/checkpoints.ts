/**
 * npm run fuzz [-- COUNT [SEED]]: reads mutated checkpoints of each kind, 100,000 by default, and prints a line a kind.
 * Node runs it without the right to write files or start processes, and without `eval`: whatever a file could make happen
 * would end the run. Each file has two seconds of the processor; the process a bounded heap (see package.json) and a bounded memory.
 */
import { existsSync } from 'node:fs';
import { kinds, type Outcome, tryOne } from './kinds.js';

const [count = 100_000, seed = 1] = process.argv.slice(2).map(Number);
/** Of the whole process: Node, its heap, all that files took. Files have 5 kB, those that are large in one way up to 5 MB. */
const maxResidentBytes = 1024 ** 3;
const maxSeconds = 2;

const wait = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

for (const kind of kinds) {
  const outcomes: Record<Outcome, number> = { read: 0, refused: 0 };
  let slowest = { seconds: 0, i: 0 };
  const start = performance.now();
  for (let i = 0; i < count; i++) {
    const before = process.cpuUsage();
    // Something that never settles ends the process, as nothing else is waited for: the line below is then missing.
    try {
      outcomes[await tryOne(kind, seed, i)]++;
    } catch (error) {
      fail(`${kind.name}, file ${i} of seed ${seed}: ${error instanceof Error ? error.stack : String(error)}`);
    }
    const { user, system } = process.cpuUsage(before);
    const seconds = (user + system) / 1e6;
    if (seconds > slowest.seconds) slowest = { seconds, i };
    if (seconds > maxSeconds) fail(`${kind.name}, file ${i} of seed ${seed} took ${seconds.toFixed(2)} s`);
    if (i % 1000 === 0) await wait();
  }
  const resident = process.resourceUsage().maxRSS * 1024;
  if (resident > maxResidentBytes) fail(`${kind.name}: ${(resident / 1e6).toFixed(0)} MB resident`);
  if (existsSync('pwned')) fail(`${kind.name}: something ran`);
  console.log(
    `${kind.name.padEnd(14)} ${count} files, seed ${seed}: ${outcomes.refused} refused, ${outcomes.read} read; ` +
      `slowest ${(slowest.seconds * 1000).toFixed(0)} ms (file ${slowest.i}), at most ${(resident / 1e6).toFixed(0)} MB resident, ` +
      `nothing ran, ${((performance.now() - start) / 1000).toFixed(0)} s`,
  );
}

function fail(text: string): never {
  console.error(text);
  process.exit(1);
}
