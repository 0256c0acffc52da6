import { printable } from '../../common/printable.js';
import { shortened } from '../../draw/text-width.js';

/** `1,234,567` whatever the system's language is. */
export const grouped = (count: number): string => count.toLocaleString('en-US');

/** A name for each of `count` classes, fit to be shown, of at most so many columns, all different; the index where there is no label. */
export function classNames(labels: readonly string[], count: number, columns = 40): string[] {
  const names: string[] = [];
  for (let c = 0; c < count; c++) {
    const label = shortened(printable(labels[c] ?? String(c), 100), columns);
    let name = label;
    for (let again = c; names.includes(name); again++) name = `${label} ${again}`;
    names.push(name);
  }
  return names;
}

/** `1 h 02 min`, `2 min 05 s`, `4.2 s`. */
export function hours(seconds: number): string {
  if (!Number.isFinite(seconds) || seconds < 0) return '-';
  if (seconds < 60) return `${seconds.toFixed(seconds < 10 ? 1 : 0)} s`;
  const two = (value: number): string => String(Math.floor(value)).padStart(2, '0');
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ${two(seconds % 60)} s`;
  return `${Math.floor(seconds / 3600)} h ${two((seconds % 3600) / 60)} min`;
}

/** An option's value as people write it. */
export function settingText(value: unknown): string {
  if (value === null || value === undefined) return '-';
  if (typeof value === 'string') return value;
  return JSON.stringify(value) ?? '-';
}
