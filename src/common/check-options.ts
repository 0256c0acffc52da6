import { UserError } from './errors.js';
import { isFileSource } from './file-source.js';
import { printable } from './printable.js';

/** What an option may be. */
export interface OptionRule {
  readonly holds: (value: unknown) => boolean;
  /** In words, after "give". */
  readonly wanted: string;
}

/** A rule for each option. */
export type OptionRules<Options> = { readonly [Key in keyof Options]-?: OptionRule };

const isObject = (value: unknown): value is object => typeof value === 'object' && value !== null;

export const aBoolean: OptionRule = { holds: (value) => typeof value === 'boolean', wanted: 'true or false' };
export const aNumber: OptionRule = { holds: (value) => typeof value === 'number', wanted: 'a number' };
export const aText: OptionRule = { holds: (value) => typeof value === 'string', wanted: 'a text' };
export const anObject: OptionRule = {
  holds: (value) => isObject(value) && !Array.isArray(value),
  wanted: 'an object',
};
export const aList: OptionRule = { holds: (value) => Array.isArray(value), wanted: 'a list' };
export const aFunction: OptionRule = { holds: (value) => typeof value === 'function', wanted: 'a function' };
export const aSignal: OptionRule = {
  // Of whatever realm.
  holds: (value) => isObject(value) && 'aborted' in value && 'addEventListener' in value,
  wanted: 'an AbortSignal',
};
export const aFile: OptionRule = {
  holds: isFileSource,
  wanted: 'a path, a URL or the bytes of a file',
};
/**
 * Checks what a function cannot do without: programs without types may pass nothing.
 * @param of the function, for errors
 * @throws UserError (kind `usage`) that names the first that is missing or of another type
 */
export function requireOptions<Options>(options: unknown, rules: Partial<OptionRules<Options>>, of: string): void {
  const given = new Map<string, unknown>(isObject(options) ? Object.entries(options) : []);
  for (const [name, rule] of Object.entries<OptionRule | undefined>(rules)) {
    if (rule?.holds(given.get(name)) === false)
      throw new UserError(`${of} needs '${name}'; give ${rule.wanted}.`, 'usage');
  }
}

/**
 * Checks that options are those of a function: programs without types may pass anything. Options that are undefined are left out.
 * @param of the function, for errors
 * @throws UserError (kind `usage`) that names what there is instead
 */
export function checkOptions<Options extends object>(options: unknown, rules: OptionRules<Options>, of: string): void {
  if (!anObject.holds(options)) {
    throw new UserError('Options are an object, such as { aligned: true }; leave them out for the defaults.', 'usage');
  }
  const known = new Map<string, OptionRule>(Object.entries(rules));
  for (const [name, value] of Object.entries(options as object)) {
    if (value === undefined) continue;
    const rule = known.get(name);
    if (rule === undefined) {
      throw new UserError(
        `${of} has no option '${printable(name)}'; its options are ${[...known.keys()].join(', ')}.`,
        'usage',
      );
    }
    if (rule.holds(value)) continue;
    const shown = isObject(value) ? 'an object' : printable(String(value));
    throw new UserError(`The option '${name}' of ${of} cannot be ${shown}; give ${rule.wanted}.`, 'usage');
  }
}
