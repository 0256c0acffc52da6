// Vega uses values and texts as keys of plain objects, where `__proto__` or `constructor` does harm. So charts know classes
// and series by their index, and texts that all objects have as properties go through Vega under a mark.

/** An invisible character, which `printable` leaves in no text. */
const mark = '\u2060';

/** The indices of `names`, as the domain of a scale. */
export const indicesOf = (names: readonly unknown[]): number[] => names.map((_, index) => index);

/** A Vega expression for the label of an axis or legend whose values are indices. */
export const nameExpression = (names: readonly string[]): string =>
  `${JSON.stringify(names.map(markedText))}[datum.value]`;

/** A chart's description with its texts marked. */
export function marked<Value>(value: Value): Value;
export function marked(value: unknown): unknown {
  if (typeof value === 'string') return markedText(value);
  if (Array.isArray(value)) return value.map(marked);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, marked(inner)]));
}

const markedText = (text: string): string => (text.trim() in Object.prototype ? `${mark}${text}` : text);

export const unmarked = (svg: string): string => svg.replaceAll(mark, '');
