import type { Shard } from '../../common/shares.js';
import { locateCheckpoint } from '../../node/checkpoints/index.js';
import {
  digestOfFile,
  digestOfList,
  openShardFile,
  type ShardFile,
  type ShardHeader,
  shardHeader,
  shardPath,
} from '../../node/files/shards/index.js';
import { versions } from '../../node/runs/versions.js';
import { grouped, note } from '../context.js';
import type { ShardFlags } from './shard-options.js';

/** What the processes of a job share out. */
export interface SharedWork {
  readonly command: 'predict' | 'evaluate' | 'embed';
  readonly checkpoint: string;
  /** Those that change no result may be among them. */
  readonly options: object;
  /** Of `options`, what only says how results are written. */
  readonly outputs: readonly string[];
  readonly facts: object;
  /** What tells one list of inputs from another. */
  readonly inputs: Iterable<unknown>;
  readonly units: number;
  readonly own: readonly number[];
}

export interface OpenedShard extends ShardFile {
  readonly path: string;
  readonly shard: Shard;
  /** Units without a result so far. */
  readonly left: readonly number[];
}

/** They say how the work is done, not what comes of it; and a key is written nowhere. */
const indifferent = ['shard', 'shardFolder', 'threads', 'ranks', 'workers', 'gpu', 'verbose', 'server', 'serverKey'];

/**
 * Opens the file of this process's shard, and tells where it goes on.
 * @throws UserError where it holds other work, or cannot be written.
 */
export async function openShard(shard: Shard, { shardFolder }: ShardFlags, work: SharedWork): Promise<OpenedShard> {
  const { own } = work;
  const header = await headerOf(shard, work);
  const path = shardPath(shardFolder, shard);
  const file = await openShardFile(path, header, own);
  const where = `Shard ${shard.index} of ${shard.count}`;
  if (own.length === 0) note(`${where} has nothing to do: there are more shards than inputs.`);
  else if (file.done === own.length) note(`${where} is complete already (${path}).`);
  else if (file.done > 0)
    note(`${where} is resumed: ${grouped(file.done)} of its ${grouped(own.length)} parts are done.`);
  return { ...file, path, shard, left: own.slice(file.done) };
}

/** What tells one job from another, as its shards and ranks do. */
export async function headerOf(shard: Shard, work: SharedWork): Promise<ShardHeader> {
  const { command, checkpoint, options, outputs, facts, inputs, units, own } = work;
  const settings = Object.entries(options).filter(([key]) => ![...indifferent, ...outputs].includes(key));
  return shardHeader({
    version: versionWords(),
    command,
    shard,
    units,
    own: own.length,
    inputs: digestOfList(inputs),
    weights: await digestOfFile((await locateCheckpoint(checkpoint)).path),
    settings: Object.fromEntries(settings),
    facts,
  });
}

/** ONNX Runtime decides the last digits too. */
function versionWords(): string {
  const { 'poster-v2': own, 'onnxruntime-node': runtime } = versions();
  return `${own} with ONNX Runtime ${runtime}`;
}
