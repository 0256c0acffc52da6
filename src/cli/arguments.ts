import { InvalidArgumentError } from 'commander';
import type * as z from 'zod';
import { messageOf } from '../common/errors.js';
import { wantedNumber } from '../common/json.js';
import { labelSetNamed } from '../common/label-sets.js';
import type { LabelSet } from '../common/labels.js';

/** Parses a number, then checks it as `schema` says. What is wrong becomes commander's usage error. */
export function numberOf(schema: z.ZodType): (text: string) => number {
  return (text) => {
    // Number() would also take '', ' ', '0x10' and 'Infinity'.
    const value = /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(text) ? Number(text) : Number.NaN;
    const parsed = schema.safeParse(value);
    if (parsed.success) return value;
    throw new InvalidArgumentError(`It must be ${wantedNumber(parsed.error.issues[0]) ?? 'a number'}.`);
  };
}

/** `contempt,fear` */
export const names = (text: string): string[] => text.split(',').map((name) => name.trim());

/** A list such as `1,2,3`; whether its numbers can be meant is told by what takes them. */
export const numbers = (text: string): number[] => text.split(',').map(Number);

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
