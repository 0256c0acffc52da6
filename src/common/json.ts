import type * as z from 'zod';
import { messageOf, UserError } from './errors.js';
import { jsonSize } from './json-size.js';
import { printable } from './printable.js';

/** First issue of a zod error as a phrase: where in the document, and what was expected there. */
export function describeZodError(error: z.ZodError): string {
  const [issue] = error.issues;
  if (issue === undefined) return 'it has an unexpected form';
  const more = error.issues.length > 1 ? ` (and ${error.issues.length - 1} more)` : '';
  const where = issue.path.map(String).join('.');
  return `${where === '' ? '' : `at ${printable(where)}: `}${reasonOf(issue)}${more}`;
}

function reasonOf(issue: z.core.$ZodIssue): string {
  const wanted = wantedNumber(issue);
  if (wanted !== undefined) return `it must be ${wanted}`;
  if (issue.code === 'unrecognized_keys')
    return `${issue.keys.map((key) => `'${printable(key)}'`).join(', ')} is not known`;
  return printable(issue.message);
}

/** What a zod issue wants, in words: "at most 16" of a number beyond its bounds; undefined for what is no number. */
export function wantedNumber(issue: z.core.$ZodIssue | undefined): string | undefined {
  switch (issue?.code) {
    case 'too_small':
      if (issue.origin !== 'number' && issue.origin !== 'int') return undefined;
      return `${issue.inclusive === true ? 'at least' : 'more than'} ${issue.minimum}`;
    case 'too_big':
      if (issue.origin !== 'number' && issue.origin !== 'int') return undefined;
      return `${issue.inclusive === true ? 'at most' : 'less than'} ${issue.maximum}`;
    case 'invalid_type':
      if (issue.expected === 'int') return 'a whole number';
      return issue.expected === 'number' ? 'a number' : undefined;
    default:
      return undefined;
  }
}

/** Levels of a document. Ours have six; what goes through a document level by level would run out of stack. */
const maxJsonDepth = 64;

/**
 * Parses JSON text from outside.
 * @param source what to call it in errors, such as its path
 * @throws UserError naming the source and the first place that does not fit the schema.
 */
export function parseJson<T>(text: string, schema: z.ZodType<T>, source: string): T {
  if (jsonSize(new TextEncoder().encode(text)).depth > maxJsonDepth) {
    throw new UserError(`${source} cannot be used: it is nested deeper than ${maxJsonDepth} levels; write it again.`);
  }
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new UserError(`${source} is not valid JSON (${printable(messageOf(error))}); write it again or mend it.`);
  }
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  throw new UserError(`${source} does not have the expected content: ${describeZodError(parsed.error)}.`);
}
