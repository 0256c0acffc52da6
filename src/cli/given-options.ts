import type { Command } from 'commander';
import { UserError } from '../common/errors.js';
import { flagOf } from './settings.js';

/** The first of these options that the command line gives; a default, or what another option implies, is not given. */
const firstGiven = (command: Command, options: readonly string[]): string | undefined =>
  options.find((option) => command.getOptionValueSource(option) === 'cli');

/**
 * @param options by the names of their values: `batchSize`
 * @param sentence what is said of the first that is given, by its flag
 * @throws UserError (kind `usage`) where one of them is given: it would change nothing
 */
export function refuseGiven(command: Command, options: readonly string[], sentence: (flag: string) => string): void {
  const given = firstGiven(command, options);
  if (given !== undefined) throw new UserError(sentence(flagOf(given)), 'usage');
}

/** @throws UserError (kind `usage`) where a GPU is named, and another device than CUDA: the GPU would change nothing */
export function refuseIdleGpu(command: Command): void {
  const { device } = command.opts<{ readonly device?: unknown }>();
  if (device === 'cuda' || device === 'auto') return;
  refuseGiven(
    command,
    ['gpu'],
    (flag) => `${flag} names a GPU for CUDA, and --device is ${String(device)}; leave one out.`,
  );
}
