import { jsonText } from '../common/json-text.js';
import { printable, printableLines } from '../common/printable.js';
import { writeOut } from './stdout.js';

export { writeOut } from './stdout.js';

let isSilent = false;

/** From now on nothing is told on stderr: another process of the same command does it. `false` ends that. */
export function silence(silent = true): void {
  isSilent = silent;
}

const tell = (text: string): void => {
  if (!isSilent) process.stderr.write(`${text}\n`);
};

/**
 * A line to stderr; results go to stdout. Whatever it quotes, a file's name or a label, does nothing to a terminal and
 * makes no second line.
 */
export function note(sentence: string): void {
  tell(printable(sentence, Number.POSITIVE_INFINITY));
}

/** Several lines to stderr. */
export function noteLines(text: string): void {
  tell(printableLines(text));
}

/** Lines of text for people to stdout; documents and tables for programs go out by `writeOut`, to the byte. */
export const writeText = (text: string): Promise<void> => writeOut(printableLines(text));

/** The result of a command: one JSON document, or text. */
export function printResult(json: boolean | undefined, document: object, text: () => string): void {
  process.stdout.write(json === true ? `${jsonText(document, 2)}\n` : printableLines(`${text()}\n`));
}

/** `1,234,567` whatever the system's language is. */
export const grouped = (count: number): string => count.toLocaleString('en-US');

export function duration(seconds: number): string {
  if (!Number.isFinite(seconds)) return '?';
  const whole = Math.round(seconds);
  const [h, m, s] = [Math.floor(whole / 3600), Math.floor((whole % 3600) / 60), whole % 60];
  const two = (value: number): string => String(value).padStart(2, '0');
  return h > 0 ? `${h}:${two(m)}:${two(s)}` : `${m}:${two(s)}`;
}

/**
 * `3 pictures were left out` with the first few reasons, a line each.
 * @param listed where all of them are
 */
export function noteSkipped(skipped: readonly { readonly reason: string }[], listed = '--json lists all'): void {
  const most = 10;
  if (skipped.length === 0) return;
  note(`${skipped.length} ${skipped.length === 1 ? 'picture was' : 'pictures were'} left out:`);
  for (const { reason } of skipped.slice(0, most)) note(`  ${printable(reason, 300)}`);
  if (skipped.length > most) note(`  and ${skipped.length - most} more (${listed})`);
}
