/**
 * Text from outside, fit to be shown on a terminal and in an SVG: control and direction-changing characters, and the two that XML
 * knows not, replaced; length bounded.
 */
export function printable(text: string, maxLength = 120): string {
  const clean = text.replace(/[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}\ufffe\uffff]/gu, '\u{fffd}');
  return clean.length <= maxLength ? clean : `${clean.slice(0, maxLength - 1)}…`;
}

/** An address as it may be shown: without its password. */
export function shownAddress(address: string): string {
  return address.replace(/^([a-z]+:\/\/[^/@:]*):[^/@]*@/i, '$1:...@');
}
