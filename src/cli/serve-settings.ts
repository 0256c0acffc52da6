import { readFile } from 'node:fs/promises';
import { type Command, Option } from 'commander';
import * as z from 'zod';
import { messageOf, UserError } from '../common/errors.js';
import { describeZodError, parseJson } from '../common/json.js';
import { printable } from '../common/printable.js';
import { explainFileError } from '../node/files/files.js';
import { type CompleteSettings, completeSettings, serveSettings } from '../node/serve/settings.js';
import { flagOf } from './settings.js';

const { shape } = serveSettings;
const names = Object.keys(shape) as (keyof typeof shape)[];

/** `maxQueue` is POSTER_SERVE_MAX_QUEUE. */
const variableOf = (name: string): string =>
  `POSTER_SERVE_${name.replace(/[A-Z]/g, (letter) => `_${letter}`).toUpperCase()}`;

/** What a setting is once its default is taken off. */
function typeOf(name: keyof typeof shape): z.core.$ZodType {
  const schema = shape[name];
  return schema instanceof z.ZodDefault || schema instanceof z.ZodOptional ? schema.unwrap() : schema;
}

/** Adds an option for each setting of a server. Its value stays text until all are known. */
export function withServeSettings(command: Command): Command {
  for (const name of names) {
    const schema = shape[name];
    const isSwitch = typeOf(name) instanceof z.ZodBoolean;
    const preset = schema instanceof z.ZodDefault ? schema.parse(undefined) : undefined;
    const shown = preset === undefined || Array.isArray(preset) ? '' : ` (default: ${preset})`;
    command.addOption(
      new Option(
        isSwitch ? `${flagOf(name)} [true|false]` : `${flagOf(name)} <value>`,
        `${schema.meta()?.description ?? ''}${shown}`,
      ).env(variableOf(name)),
    );
  }
  return command.option('--config <file>', 'settings as JSON, by the names of these options: {"maxQueue": 8}');
}

/**
 * The settings of a server: options of the command line go before environment variables, those before the file.
 * @throws UserError that names the first that cannot be
 */
export async function givenSettings(command: Command): Promise<CompleteSettings> {
  const { config } = command.opts<{ readonly config?: string }>();
  const ofFile = config === undefined ? {} : await readConfig(config);
  const options = names.flatMap((name) => {
    const source = command.getOptionValueSource(name);
    return source === 'cli' || source === 'env'
      ? [[name, typedValue(name, command.getOptionValue(name))] as const]
      : [];
  });
  const parsed = serveSettings.safeParse({ ...ofFile, ...Object.fromEntries(options) });
  if (parsed.success) return completeSettings(parsed.data);
  const name = options.map(([key]) => key).find((key) => key === parsed.error.issues[0]?.path[0]);
  const where = name === undefined ? `The file ${printable(config ?? '', 4096)}` : `The value of ${flagOf(name)}`;
  throw new UserError(`${where} cannot be used: ${describeZodError(parsed.error)}.`, 'usage');
}

async function readConfig(path: string): Promise<Readonly<Record<string, unknown>>> {
  const text = await readFile(path, 'utf8').catch((error: unknown) => {
    throw explainFileError(error, 'read', path);
  });
  return parseJson(text, z.record(z.string(), z.unknown()), printable(path, 4096));
}

const switches: ReadonlyMap<string, boolean> = new Map([
  ['true', true],
  ['1', true],
  ['false', false],
  ['0', false],
]);

/** Text as the setting takes it; what it is not is told by the schema. */
function typedValue(name: keyof typeof shape, given: unknown): unknown {
  if (typeof given !== 'string') return given;
  const type = typeOf(name);
  if (type instanceof z.ZodArray) return given.split(',').map((part) => part.trim());
  if (type instanceof z.ZodBoolean) return switches.get(given) ?? given;
  return type instanceof z.ZodNumber && /^\d+(\.\d+)?$/.test(given) ? Number(given) : given;
}

/** A line for each setting, as they are printed when a server starts. */
export function settingLines(settings: CompleteSettings): string {
  return names
    .flatMap((name) => (settings[name] === undefined ? [] : [`  ${name}: ${shown(settings[name])}`]))
    .join('\n');
}

const shown = (value: unknown): string => (Array.isArray(value) ? value.join(', ') || 'none' : messageOf(value));
