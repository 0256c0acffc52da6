import { InvalidArgumentError } from 'commander';
import type * as z from 'zod';
import { messageOf } from '../common/errors.js';
import { wantedNumber } from '../common/json.js';
import { labelSetNamed } from '../common/label-sets.js';
import type { LabelSet } from '../common/labels.js';

/** Parses a number, then checks it as `schema` says. What is wrong becomes commander's usage error. */
export function numberOf(schema: z.ZodType): (text: string) => number {
  return (text) => {
    const value = numberIn(text);
    const parsed = schema.safeParse(value);
    if (parsed.success) return value;
    throw new InvalidArgumentError(`It must be ${wantedNumber(parsed.error.issues[0]) ?? 'a number'}.`);
  };
}

/** The number that a text is, else NaN: Number() would also take '', ' ', '0x10' and 'Infinity'. */
const numberIn = (text: string): number =>
  /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(text) ? Number(text) : Number.NaN;

/** The parts of a list; a variable that was never set is none, and two commas have nothing between them. */
const partsOf = (text: string): string[] => text.split(',').map((part) => part.trim());

/** `contempt,fear` */
export function names(text: string): string[] {
  const parts = partsOf(text);
  if (!parts.includes('')) return parts;
  throw new InvalidArgumentError('It must be names with commas between them, such as contempt,fear.');
}

/** A list such as `1,2,3`; whether its numbers can be meant is told by what takes them. */
export function numbers(text: string): number[] {
  const values = partsOf(text).map(numberIn);
  if (values.every(Number.isFinite)) return values;
  throw new InvalidArgumentError('It must be numbers with commas between them, such as 1,2.');
}

/** A published label set by its name, as an option's value. */
export function labelSetArgument(text: string): LabelSet {
  try {
    return labelSetNamed(text);
  } catch (error) {
    throw new InvalidArgumentError(messageOf(error));
  }
}

/** A file of weights that is to be written. */
export function safetensorsArgument(text: string): string {
  if (/\.safetensors$/i.test(text)) return text;
  throw new InvalidArgumentError('Its name must end in .safetensors.');
}
