import { inTurns } from './turns.js';

/** Each item of a list as JSON, as it stands in a document's list: made in turns. */
export const jsonItems = <T>(items: readonly T[], documentOf: (item: T) => unknown): Promise<string[]> =>
  inTurns(items, (item) => JSON.stringify(documentOf(item), undefined, 2).replaceAll('\n', '\n    '));

/**
 * A document with lists that may be long, as `JSON.stringify` indents it.
 * @param head what stands before the lists
 * @param lists their items, of {@link jsonItems}
 */
export function jsonOf(
  head: Readonly<Record<string, unknown>>,
  lists: Readonly<Record<string, readonly string[]>>,
): Blob {
  const fields = Object.entries(head).map(([name, value]) => [
    `${JSON.stringify(name)}: ${JSON.stringify(value, undefined, 2).replaceAll('\n', '\n  ')}`,
  ]);
  const long = Object.entries(lists).map(([name, items]) => [`${JSON.stringify(name)}: `, ...listOf(items)]);
  const parts = [...fields, ...long].flatMap((field, i) => [i === 0 ? '\n  ' : ',\n  ', ...field]);
  return new Blob(['{', ...parts, '\n}\n'], { type: 'application/json' });
}

const listOf = (items: readonly string[]): readonly string[] =>
  items.length === 0 ? ['[]'] : ['[', ...items.flatMap((item, i) => [i === 0 ? '\n    ' : ',\n    ', item]), '\n  ]'];
