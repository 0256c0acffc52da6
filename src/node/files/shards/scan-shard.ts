import { parseJson } from '../../../common/json.js';
import { printable } from '../../../common/printable.js';
import { type ShardHeader, shardHeaderSchema } from './shard-header.js';
import { notAShard, shardLines } from './shard-lines.js';

/** A shard file as it stands. */
export interface ScannedShard {
  readonly path: string;
  readonly header: ShardHeader;
  /** The units whose results are in it, in their order. */
  readonly units: readonly number[];
  /** Bytes up to the end of the header, and of each unit's line. */
  readonly ends: readonly number[];
}

/**
 * Reads a shard file up to the first line that is not whole.
 * @throws UserError where it is none, or its units cannot be those of a shard.
 */
export async function scanShard(path: string): Promise<ScannedShard> {
  const lines = shardLines(path);
  const first = await lines.next();
  if (first.done === true || first.value.unit !== undefined) throw notAShard(path);
  const header = parseJson(first.value.json, shardHeaderSchema, printable(path, 4096));
  if (header.shard.index > header.shard.count) throw notAShard(path);
  const units: number[] = [];
  const ends = [first.value.end];
  for await (const { unit, end } of lines) {
    // A shard does its units in their order, each once.
    if (unit === undefined || unit <= (units.at(-1) ?? -1) || unit >= header.units) break;
    units.push(unit);
    ends.push(end);
  }
  return { path, header, units, ends };
}
