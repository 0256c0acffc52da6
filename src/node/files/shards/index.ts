export { digestOfFile, digestOfList } from './digests.js';
export { openShardFile, type ShardFile, shardPath } from './shard-file.js';
export { differenceOf, mostShards, type ShardHeader, shardHeader, shardHeaderSchema } from './shard-header.js';
export { openShards, type ShardResult, type ShardSet } from './shard-set.js';
