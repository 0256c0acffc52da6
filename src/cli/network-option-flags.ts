import { InvalidArgumentError, Option } from 'commander';
import { messageOf } from '../common/errors.js';
import { type NetworkOption, networkFamilies } from '../models/index.js';
import { numberOf, numbers } from './arguments.js';
import { flagOf } from './settings.js';

/** The options that networks have of their own, by name: those of several networks may share one. */
const byKey = new Map<string, readonly NetworkOption[]>();
for (const option of networkFamilies.flatMap(({ options }) => options)) {
  byKey.set(option.key, [...(byKey.get(option.key) ?? []), option]);
}

export const networkOptionKeys: readonly string[] = [...byKey.keys()];

/** A flag for every option that a network has of its own. Whether the run's network has it is seen with the run. */
export function networkOptionFlags(): Option[] {
  return [...byKey].map(([key, shared]) => {
    const [first] = shared;
    const description = [...new Set(shared.map((option) => option.description))].join('; or ');
    const option = new Option(`${flagOf(key)} <${first?.value ?? 'value'}>`, description);
    switch (first?.form) {
      case 'word':
        return option.choices([...new Set(shared.flatMap(({ words = [] }) => words))]);
      case 'numbers':
        return option.argParser(numbers);
      default:
        return option.argParser((text: string) => numberOfAny(shared, text));
    }
  });
}

/** A number that one of the networks takes. */
function numberOfAny(options: readonly NetworkOption[], text: string): number {
  let problem = 'It must be a number.';
  for (const { schema } of options) {
    try {
      return numberOf(schema)(text);
    } catch (error) {
      problem = messageOf(error);
    }
  }
  throw new InvalidArgumentError(problem);
}
