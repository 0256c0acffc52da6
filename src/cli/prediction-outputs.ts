import { type Command, Option } from 'commander';
import { defined } from '../common/defined.js';
import { UserError } from '../common/errors.js';
import { positive } from './checkpoint-options.js';
import {
  jsonLinesOutput,
  jsonOutput,
  type OutputSettings,
  type PredictionOutput,
  textOutput,
} from './prediction-output.js';

/** How results of pictures are written. */
export interface PredictionOutputFlags {
  readonly top?: number;
  readonly csv?: string;
  readonly json?: boolean;
  readonly jsonl?: boolean;
}

/** The options of these. */
export const predictionOutputOptions = ['top', 'csv', 'json', 'jsonl'] as const;

export function withPredictionOutputs(command: Command): Command {
  return command
    .option('--top <count>', 'labels listed with each face (default: 3 in text, else all)', positive)
    .option('--csv <file>', 'write a row for each face; - for standard output')
    .addOption(new Option('--json', 'print one JSON document, with logits').conflicts('jsonl'))
    .option('--jsonl', 'print a line of JSON for each picture as it is done');
}

/** @throws UserError where two would write to standard output. */
export function checkPredictionOutputs({ csv, json, jsonl }: PredictionOutputFlags): void {
  if (csv === '-' && (json === true || jsonl === true)) {
    throw new UserError('--csv - and --json both write to standard output; give --csv a file.', 'usage');
  }
}

export async function predictionOutputs(
  { checkpoint, description, aligned }: Omit<OutputSettings, 'top'>,
  { top, csv, json, jsonl }: PredictionOutputFlags,
): Promise<PredictionOutput[]> {
  const settings: OutputSettings = { checkpoint, description, aligned, ...defined({ top }) };
  const table = csv === undefined ? [] : [(await import('./faces-csv.js')).csvOutput(csv, description.labels.labels)];
  if (csv === '-') return table;
  const print = json === true ? jsonOutput : jsonl === true ? jsonLinesOutput : textOutput;
  return [print(settings), ...table];
}
