import { resolve } from 'node:path';
import { Command, CommanderError, InvalidArgumentError } from 'commander';
import { wordsOf } from '../common/command-line.js';
import type { StudyArm } from '../models/index.js';
import { armName } from '../node/runs/ablation.js';
import { givenRun, withRunOptions } from './run-options.js';

/**
 * An arm of one's own.
 * @param text its name, and after a colon what its runs have besides
 * @example ablationArm('noisy: --noise 0.02 --blur 0.1')
 */
export function ablationArm(text: string): StudyArm {
  const [, name = text.trim(), words = ''] = /^([^:\s]+)\s*(?::\s*(.*))?$/s.exec(text.trim()) ?? [];
  if (!armName.test(name)) {
    throw new InvalidArgumentError("It must be a name, or a name and options, such as 'noisy: --noise 0.02'.");
  }
  const { teacher, ...options } = givenRun(optionsOf(name, wordsOf(words)));
  // From wherever the ablation is resumed.
  const teachers = teacher === undefined ? {} : { teacher: teacher.map((path) => resolve(path)) };
  return { name, summary: '', options: { ...options, ...teachers } };
}

function optionsOf(name: string, words: readonly string[]): Readonly<Record<string, unknown>> {
  const command = withRunOptions(new Command(name))
    .helpOption(false)
    .exitOverride()
    .configureOutput({ outputError: () => undefined })
    .allowExcessArguments(false);
  try {
    return command.parse(words, { from: 'user' }).opts();
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    throw new InvalidArgumentError(`The arm ${name}: ${error.message.replace(/^error: /, '')}`);
  }
}
