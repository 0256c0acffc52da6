import { Command } from 'commander';
import { UserError } from '../../common/errors.js';
import { checkOutputFiles, guardInputs } from '../../node/files/output-paths.js';
import { openShards, type ShardSet } from '../../node/files/shards/index.js';
import { evaluationDocument } from '../../node/measure/index.js';
import { note, printResult } from '../context.js';
import {
  checkEmbeddingOutput,
  type EmbeddingOutputFlags,
  embeddingOutputOptions,
  refuseWithoutMap,
  withEmbeddingOutputs,
  writeEmbedding,
} from '../embedding-output.js';
import { evaluationText } from '../evaluation-text.js';
import { ExitCode } from '../exit-code.js';
import {
  checkPredictionOutputs,
  type PredictionOutputFlags,
  predictionOutputOptions,
  withPredictionOutputs,
} from '../prediction-outputs.js';
import { writePredictions } from '../predictions-csv.js';
import { flagOf } from '../settings.js';
import { mergeEmbedding, parseEmbeddingFacts } from '../shards/merge-embedding.js';
import { mergeEvaluation, parseEvaluationFacts } from '../shards/merge-evaluation.js';
import { mergePredictions } from '../shards/merge-predictions.js';
import { parsePredictionFacts } from '../shards/prediction-records.js';

type MergeOptions = PredictionOutputFlags & EmbeddingOutputFlags;

/** Which options there are for whose shards. */
const optionsOf: Readonly<Record<string, readonly string[]>> = {
  predict: predictionOutputOptions,
  evaluate: ['csv', 'json'],
  embed: embeddingOutputOptions,
};

export function mergeCommand(): Command {
  const command = new Command('merge')
    .description('combine the parts that processes with --shard wrote into the result of one process')
    .argument('<shard...>', 'shard files, or folders that hold them');
  return withEmbeddingOutputs(withPredictionOutputs(command))
    .addHelpText(
      'after',
      `
Options are those of the command that wrote the parts: --top, --csv, --json and --jsonl of predict, --csv and --json of evaluate, the
others and --json of embed. Where parts are missing, nothing is written, and it says which.

Examples:
  poster predict photos -r --shard 1/2 & poster predict photos -r --shard 2/2; wait; poster merge shards --csv faces.csv
  poster merge shards --json > faces.json`,
    )
    .action(merge);
}

async function merge(paths: readonly string[], options: MergeOptions, command: Command): Promise<void> {
  const shards = await openShards(paths);
  const { command: of } = shards.header;
  const allowed = optionsOf[of];
  if (allowed === undefined) {
    throw new UserError(
      `${shards.source} is of poster ${of}, which this version does not merge; use the version that wrote it.`,
    );
  }
  const foreign = [...new Set(Object.values(optionsOf).flat())].find(
    (option) => command.getOptionValueSource(option) === 'cli' && !allowed.includes(option),
  );
  if (foreign !== undefined) {
    throw new UserError(`${flagOf(foreign)} does not go with shards of poster ${of}; leave it out.`, 'usage');
  }
  refuseWithoutMap(command, options);
  if (shards.missing.length > 0) {
    for (const sentence of shards.missing) note(`poster: ${sentence}`);
    process.exitCode = ExitCode.input;
    return;
  }
  const { csv } = options;
  if (csv === '-' && of !== 'predict') {
    throw new UserError(`The table of poster ${of} is a file; give --csv a name.`, 'usage');
  }
  if (csv !== undefined && csv !== '-') {
    await (await guardInputs(shards.files))(`--csv ${csv}`, csv);
    await checkOutputFiles([{ option: '--csv', path: csv }]);
  }
  const facts = JSON.stringify(shards.header.facts);
  if (of === 'predict') await writeMergedPredictions(shards, facts, options);
  else if (of === 'evaluate') await writeMergedEvaluation(shards, facts, options);
  else await writeMergedEmbedding(shards, facts, options);
}

function writeMergedPredictions(shards: ShardSet, facts: string, options: PredictionOutputFlags): Promise<void> {
  checkPredictionOutputs(options);
  const { header, source } = shards;
  const parts = { facts: parsePredictionFacts(facts, source), pictures: header.units, results: shards.results() };
  return mergePredictions(parts, options);
}

async function writeMergedEvaluation(shards: ShardSet, facts: string, { csv, json }: MergeOptions): Promise<void> {
  const measurement = await mergeEvaluation(parseEvaluationFacts(facts, shards.source), shards.results());
  if (csv !== undefined) await writePredictions(csv, measurement.result);
  printResult(json, evaluationDocument(measurement), () => evaluationText(measurement));
}

async function writeMergedEmbedding(shards: ShardSet, facts: string, options: EmbeddingOutputFlags): Promise<void> {
  const parsed = parseEmbeddingFacts(facts, shards.source);
  const out = await checkEmbeddingOutput(options, shards.files);
  const embedded = await mergeEmbedding(parsed, shards.results(), shards.bytes);
  await writeEmbedding(out, parsed.about, embedded, options);
}
