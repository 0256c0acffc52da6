#!/usr/bin/env node
import { readFileSync } from 'node:fs';
import { Command, CommanderError } from 'commander';
import { refusalChannel } from '../checkpoints/index.js';
import { ExitCode, messageOf, UserError } from '../common/errors.js';
import { printable } from '../common/files.js';
import { checkCommand } from './commands/check.js';
import { compareCommand } from './commands/compare.js';
import { convertCommand } from './commands/convert.js';
import { embedCommand } from './commands/embed.js';
import { evaluateCommand } from './commands/evaluate.js';
import { explainCommand } from './commands/explain.js';
import { landmarksCommand } from './commands/landmarks.js';
import { predictCommand } from './commands/predict.js';
import { prepareCommand } from './commands/prepare.js';
import { profileCommand } from './commands/profile.js';
import { reportCommand } from './commands/report.js';
import { trainCommand } from './commands/train.js';
import { note } from './context.js';

const { version } = JSON.parse(readFileSync(new URL('../../../package.json', import.meta.url), 'utf8')) as {
  version: string;
};

const program = new Command('poster')
  .description('Facial expression recognition with POSTER V2: prepare data, train, evaluate, predict.')
  .version(version)
  .option('--verbose', 'say more when something fails')
  .configureHelp({ showGlobalOptions: true });
for (const command of [
  prepareCommand(),
  checkCommand(),
  trainCommand(),
  evaluateCommand(),
  reportCommand(),
  compareCommand(),
  predictCommand(),
  landmarksCommand(),
  explainCommand(),
  embedCommand(),
  convertCommand(),
  profileCommand(),
]) {
  program.addCommand(command);
}
for (const command of [program, ...program.commands, ...program.commands.flatMap(({ commands }) => commands)]) {
  command.exitOverride().configureHelp({ showGlobalOptions: true });
  command.configureOutput({
    outputError: (text, write) => write(text.replace(/^error: /, 'poster: ')),
  });
}

// Whichever command reads the file, and whatever becomes of it after.
const said = new Set<unknown>();
refusalChannel.subscribe((sentence) => {
  if (!said.has(sentence)) note(`poster: ${String(sentence)}`);
  said.add(sentence);
});

// `poster ... | head` closes our stdout early; that is no failure.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit(ExitCode.ok);
  throw error;
});

try {
  await program.parseAsync();
} catch (error) {
  process.exitCode = report(error);
}

/** Says what went wrong in a sentence. @returns the exit code that fits */
function report(error: unknown): number {
  const say = (text: string): void => {
    process.stderr.write(`poster: ${text}\n`);
  };
  // Commander has said it already; help and version are no errors.
  if (error instanceof CommanderError) return error.exitCode === 0 ? ExitCode.ok : ExitCode.usage;
  const verbose = program.opts<{ verbose?: boolean }>().verbose === true;
  if (error instanceof UserError) {
    say(error.message);
    if (verbose) process.stderr.write(`${String(error.stack)}\n`);
    return error.exitCode;
  }
  if (/failed to allocate|bad.?alloc|out of memory|Array buffer allocation failed/i.test(messageOf(error))) {
    say('There is not enough memory; lower --micro-batch (train) or --batch-size, or free some.');
    if (verbose) process.stderr.write(`${error instanceof Error ? error.stack : String(error)}\n`);
    return ExitCode.resource;
  }
  const [first = ''] = messageOf(error).split('\n', 1);
  say(
    `This is a defect of poster (${printable(first, 300)}); please report it with what the same command says under --verbose.`,
  );
  if (verbose) process.stderr.write(`${error instanceof Error ? error.stack : String(error)}\n`);
  return ExitCode.internal;
}
