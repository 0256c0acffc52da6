import { realpath } from 'node:fs/promises';
import { locateCheckpoint } from '../node/checkpoints/index.js';

/**
 * The checkpoints that were named, without those that were named twice, under whatever path: the same weights again would
 * make a deviation too small.
 * @returns with a sentence for each that is left out
 * @throws UserError where one is not there
 */
export async function distinctCheckpoints(paths: readonly string[]): Promise<{ paths: string[]; notes: string[] }> {
  // A single one is told apart from no other, and whoever reads it says what is wrong with it.
  if (paths.length < 2) return { paths: [...paths], notes: [] };
  const byFile = new Map<string, string>();
  const notes: string[] = [];
  for (const path of paths) {
    const file = await realpath((await locateCheckpoint(path)).path);
    const first = byFile.get(file);
    if (first === undefined) byFile.set(file, path);
    else notes.push(`${path} names the same file as ${first}: it counts once.`);
  }
  return { paths: [...byFile.values()], notes };
}
