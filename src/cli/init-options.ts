import { existsSync } from 'node:fs';
import { InvalidArgumentError } from 'commander';
import { printable } from '../common/printable.js';
import { networkFamilies } from '../models/index.js';
import { formatTable } from '../node/report/index.js';
import type { InitReport, InitSource, LeftTensor } from '../node/runs/init.js';
import { labelSetArgument } from './arguments.js';
import { advised } from './settings.js';

/** Parts of all networks; whether a run's network has them is seen when it is made. */
const parts = networkFamilies.flatMap((family) => family.parts);

/** One more `--init [part=]file`. */
export function initArgument(text: string, before: readonly InitSource[] = []): readonly InitSource[] {
  const [, name = '', path = ''] = /^([^=/\\]*)=(.*)$/s.exec(text) ?? [];
  const part = parts.find((known) => known.name === name)?.name;
  if (part !== undefined) {
    if (path === '') throw new InvalidArgumentError(`Name the file: ${part}=FILE.`);
    return [...before, { part, path }];
  }
  if (text.includes('=') && !existsSync(text)) {
    throw new InvalidArgumentError(
      `There is no such file, and no part of the network called '${printable(name)}'; there are ${[...new Set(parts.map((known) => known.name))].join(' and ')}.`,
    );
  }
  return [...before, { part: 'network', path: text }];
}

/** A label set by its name, or `data`. */
export function initLabelsArgument(text: string): NonNullable<InitSource['labels']> {
  return text === 'data' ? text : labelSetArgument(text);
}

/** What was taken of a file, and in a table what was not and why. */
export function initText({ part, path, taken, left, fresh, note, settings }: InitReport): string {
  const of = part === 'network' ? 'the network' : `${part} (${parts.find(({ name }) => name === part)?.prefix ?? ''}*)`;
  const first = `Took ${taken.length} of the ${taken.length + fresh.length} tensors of ${of} from ${path}.`;
  const rows = [
    ...byReason(left).map(([reason, tensors]) => [
      `in the file, ${reason}: ${namesOf(tensors)}`,
      String(tensors.length),
    ]),
    ...(fresh.length === 0
      ? []
      : [[`in the network, begun anew: ${namesOf(fresh.map((name) => ({ name })))}`, String(fresh.length)]]),
  ];
  const table = rows.length === 0 ? [] : [formatTable([['not taken', 'tensors'], ...rows])];
  return [first, ...table, ...(note === undefined ? [] : [advised(note, settings)])].join('\n');
}

function byReason(left: readonly LeftTensor[]): (readonly [reason: string, tensors: readonly LeftTensor[]])[] {
  const reasons = new Set(left.map(({ reason }) => reason));
  return [...reasons].map((reason) => [reason, left.filter((tensor) => tensor.reason === reason)]);
}

/** The first few, as modules unless there is something to say of each: `fc.*`. */
function namesOf(tensors: readonly Pick<LeftTensor, 'name' | 'detail'>[], most = 4): string {
  const texts = new Set(
    tensors.map(({ name, detail }) => {
      const [module = '', ...rest] = name.replace(/^module\./, '').split('.');
      return printable(detail === undefined ? `${module}${rest.length > 0 ? '.*' : ''}` : `${name} (${detail})`);
    }),
  );
  return [...texts].slice(0, most).join(', ') + (texts.size > most ? `, ${texts.size - most} more` : '');
}
