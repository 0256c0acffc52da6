import { readFileSync } from 'node:fs';
import { Command, CommanderError } from 'commander';
import { quoted } from '../common/command-line.js';
import { messageOf, UserError } from '../common/errors.js';
import { pictureName } from '../common/picture-names.js';
import { printable } from '../common/printable.js';
import { noteChannel } from '../node/checkpoints/notes.js';
import { refusalChannel } from '../node/checkpoints/refused.js';
import { isVideoName } from '../node/ffmpeg/kind.js';
import { packageFile } from '../node/files/package-files.js';
import { isFolder } from '../node/files/path-kind.js';
import { note, noteLines } from './context.js';
import { ExitCode, exitCodeOf } from './exit-code.js';
import { refuseIdleGpu } from './given-options.js';
import { sentenceOf, speakFor } from './settings.js';

const { version } = JSON.parse(readFileSync(packageFile('package.json'), 'utf8')) as {
  version: string;
};

/** By name; a command's modules are loaded when it is used. */
const commands: Readonly<Record<string, () => Promise<Command>>> = {
  prepare: async () => (await import('./commands/prepare.js')).prepareCommand(),
  crop: async () => (await import('./commands/crop.js')).cropCommand(),
  check: async () => (await import('./commands/check.js')).checkCommand(),
  learn: async () => (await import('./commands/learn.js')).learnCommand(),
  train: async () => (await import('./commands/train.js')).trainCommand(),
  ablate: async () => (await import('./commands/ablate.js')).ablateCommand(),
  evaluate: async () => (await import('./commands/evaluate.js')).evaluateCommand(),
  calibrate: async () => (await import('./commands/calibrate.js')).calibrateCommand(),
  rebalance: async () => (await import('./commands/rebalance.js')).rebalanceCommand(),
  report: async () => (await import('./commands/report.js')).reportCommand(),
  compare: async () => (await import('./commands/compare.js')).compareCommand(),
  predict: async () => (await import('./commands/predict.js')).predictCommand(),
  landmarks: async () => (await import('./commands/landmarks.js')).landmarksCommand(),
  explain: async () => (await import('./commands/explain.js')).explainCommand(),
  embed: async () => (await import('./commands/embed.js')).embedCommand(),
  merge: async () => (await import('./commands/merge.js')).mergeCommand(),
  convert: async () => (await import('./commands/convert.js')).convertCommand(),
  profile: async () => (await import('./commands/profile.js')).profileCommand(),
  plan: async () => (await import('./commands/plan.js')).planCommand(),
  page: async () => (await import('./commands/page.js')).pageCommand(),
  serve: async () => (await import('./commands/serve.js')).serveCommand(),
};

/**
 * Runs a command line in this process, and leaves its exit code in `process.exitCode`. Once it has ended, another may be run.
 * @param words what follows the program's name
 * @param listen is given what says, and counts, a failure outside of the command
 */
export async function run(
  words: readonly string[],
  listen: (report: (error: unknown) => void) => void = () => undefined,
): Promise<void> {
  const program = await programFor(words);
  const fail = failureReport(program);
  listen(fail);
  const reported = new Set<unknown>();
  const say = (sentence: unknown): void => {
    if (!reported.has(sentence)) note(`poster: ${String(sentence)}`);
    reported.add(sentence);
  };
  // Whichever command reads the file, and whatever becomes of it after.
  for (const channel of [refusalChannel, noteChannel]) channel.subscribe(say);
  try {
    await refuseFileAlone(words);
    await program.parseAsync(words, { from: 'user' });
  } catch (error) {
    fail(error);
  } finally {
    for (const channel of [refusalChannel, noteChannel]) channel.unsubscribe(say);
  }
}

/** With the command that the words name, or all of them. */
async function programFor(words: readonly string[]): Promise<Command> {
  const program = new Command('poster')
    .description('Facial expression recognition with POSTER V2: prepare data, train, evaluate, predict.')
    .version(version)
    .option('--verbose', 'print more details when something fails')
    .configureHelp({ showGlobalOptions: true });
  // Options before the command take no value: the first word is its name. Without one, or for help, all are needed, but not for the version.
  const named = words.find((word) => !word.startsWith('-'));
  const asksVersion = named === undefined && words.some((word) => word === '--version' || word === '-V');
  const one = Object.hasOwn(commands, named ?? '') ? [commands[named ?? '']] : undefined;
  const wanted = one ?? (asksVersion ? [] : Object.values(commands));
  for (const load of wanted) if (load !== undefined) program.addCommand(await load());
  for (const command of [program, ...program.commands, ...program.commands.flatMap(({ commands }) => commands)]) {
    command.exitOverride().configureHelp({ showGlobalOptions: true });
    command.configureOutput({
      // A suggestion stands on a line of its own there.
      outputError: (text) =>
        note(
          text
            .trimEnd()
            .replace(/^error: /, 'poster: ')
            .replace(/\n(?=\(Did you mean .*\)$)/, ' '),
        ),
    });
  }
  program.hook('preAction', (_, command) => {
    speakFor(command);
    refuseEmpty(command);
    refuseIdleGpu(command);
  });
  return program;
}

/** A picture, video or folder, or an address of one, without a command before it. @throws UserError */
async function refuseFileAlone(words: readonly string[]): Promise<void> {
  const name = words.find((word) => word === '-' || !word.startsWith('-')) ?? '';
  if (Object.hasOwn(commands, name) || name === 'help') return;
  const isRead = name === '-' || /^(https?|file):\/\//i.test(name) || pictureName.test(name) || isVideoName(name);
  if (!isRead && !(await isFolder(name))) return;
  const meant = quoted(words.filter((word) => word !== '--verbose'));
  throw new UserError(
    `${printable(name, 200)} is no command; to see the expressions in it, run poster predict ${meant}`,
    'usage',
  );
}

/** What a shell makes of a variable that is not set: no name of a file, and no number. @throws UserError */
function refuseEmpty(command: Command): void {
  const isEmpty = (value: unknown): boolean => value === '' || (Array.isArray(value) && value.includes(''));
  const empty = command.options.find((option) => isEmpty(command.getOptionValue(option.attributeName())));
  if (empty === undefined && !command.args.includes('')) return;
  const what = empty === undefined ? 'An argument' : `The value of ${empty.long ?? empty.flags}`;
  throw new UserError(`${what} is empty; give one, or leave it out.`, 'usage');
}

/** What says in a sentence what went wrong, the same failure once, and sets the exit code that fits. */
function failureReport(program: Command): (error: unknown) => void {
  let reported: unknown;
  return (error) => {
    const verbose = program.opts<{ verbose?: boolean }>().verbose === true;
    process.exitCode = report(error, error === reported, verbose);
    reported = error;
  };
}

/** Says what went wrong in a sentence. @returns the exit code that fits */
function report(error: unknown, again: boolean, verbose: boolean): number {
  const say = (text: string): void => {
    if (again) return;
    note(`poster: ${text}`);
  };
  // Commander has said it already; help and version are no errors.
  if (error instanceof CommanderError) return error.exitCode === 0 ? ExitCode.ok : ExitCode.usage;
  if (error instanceof UserError) {
    say(sentenceOf(error));
    if (verbose) noteLines(String(error.stack));
    return exitCodeOf(error);
  }
  if (/failed to allocate|bad.?alloc|out of memory|Array buffer allocation failed/i.test(messageOf(error))) {
    say('There is not enough memory; lower --micro-batch (train) or --batch-size, or free some.');
    if (verbose) noteLines(error instanceof Error ? String(error.stack) : String(error));
    return ExitCode.resource;
  }
  const [first = ''] = messageOf(error).split('\n', 1);
  say(
    `This is a defect of poster (${printable(first, 300)}); please report it with what the same command says under --verbose.`,
  );
  if (verbose) noteLines(error instanceof Error ? String(error.stack) : String(error));
  return ExitCode.internal;
}
