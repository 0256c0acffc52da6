/**
 * Characters that must not reach a terminal or an SVG: control and direction-changing ones, invisible ones, and the two that
 * XML knows not. U+200C and U+200D are none of them: they shape letters in Persian and Hindi, and join emoji.
 */
export const unprintable = /(?![\u200c\u200d])[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}\ufffe\uffff]/u;

const allUnprintable = new RegExp(unprintable, 'gu');

/** Text from outside as one line, fit to be shown: {@link unprintable} characters replaced, length bounded. */
export function printable(text: string, maxLength = 120): string {
  // Of a long text the rest is not looked at: a pair of surrogates may become one character, no more.
  const start = text.length > 2 * maxLength + 2 ? text.slice(0, 2 * maxLength + 2) : text;
  const clean = start.replace(allUnprintable, '\u{fffd}');
  if (clean.length <= maxLength) return clean;
  // Half of a character outside of the first 65,536 would be none.
  return `${clean.slice(0, maxLength - 1).replace(/[\ud800-\udbff]$/, '')}…`;
}

/** The same of text of several lines, whatever its length. */
export function printableLines(text: string): string {
  return text.replace(allUnprintable, (character) => (character === '\n' ? '\n' : '\u{fffd}'));
}

/** An address as it may be shown: without its password. */
export function shownAddress(address: string): string {
  return address.replace(/^([a-z]+:\/\/[^/?#@:]*):[^/?#]*@/i, '$1:...@');
}
