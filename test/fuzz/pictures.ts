/**
 * npm run fuzz:pictures [-- COUNT [SEED]]: decodes mutated pictures of each kind in turn, 100,000 by default in all, and prints a
 * line a kind. Each picture has the seconds of a processor that docs/limits.md states, and the process its memory.
 */
import sharp from 'sharp';
import { maxDecodingSeconds, maxPictureBytes } from '../../src/image/index.js';
import { pictureKinds, tryPicture } from './picture-kinds.js';

const [count = 100_000, seed = 1] = process.argv.slice(2).map(Number);
// What is kept of one picture would count for the next.
sharp.cache(false);
const kinds = await pictureKinds();
/** Node, libraries, and what the allocator keeps. */
const maxResidentBytes = 256 * 1024 ** 2 + maxPictureBytes;
const each = Math.ceil(count / kinds.length);

for (const kind of kinds) {
  const outcomes = { read: 0, refused: 0 };
  let slowest = { seconds: 0, i: 0 };
  const start = performance.now();
  for (let i = 0; i < each; i++) {
    const before = process.cpuUsage();
    try {
      outcomes[await tryPicture(kind, seed, i)]++;
    } catch (error) {
      fail(`${kind.name}, picture ${i} of seed ${seed}: ${error instanceof Error ? error.stack : String(error)}`);
    }
    const { user, system } = process.cpuUsage(before);
    const seconds = (user + system) / 1e6;
    if (seconds > slowest.seconds) slowest = { seconds, i };
    if (seconds > maxDecodingSeconds) fail(`${kind.name}, picture ${i} of seed ${seed} took ${seconds.toFixed(2)} s`);
    const resident = residentBytes();
    if (resident > maxResidentBytes) {
      fail(`${kind.name}, picture ${i} of seed ${seed}: ${(resident / 1e6).toFixed(0)} MB resident`);
    }
  }
  console.log(
    `${kind.name.padEnd(14)} ${each} pictures, seed ${seed}: ${outcomes.refused} refused, ${outcomes.read} read; ` +
      `slowest ${(slowest.seconds * 1000).toFixed(0)} ms (picture ${slowest.i}), at most ` +
      `${(residentBytes() / 1e6).toFixed(0)} MB resident, ${((performance.now() - start) / 1000).toFixed(0)} s`,
  );
}

/** The most that the process ever had. */
function residentBytes(): number {
  return process.resourceUsage().maxRSS * 1024;
}

function fail(text: string): never {
  console.error(text);
  process.exit(1);
}
