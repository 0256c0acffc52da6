/** What acts on a terminal and `JSON.stringify` leaves as it is: control characters from 0x7f on, and those that turn the direction of text. */
const acting = /[\u007f-\u009f\u200e\u200f\u2028-\u202e\u2066-\u2069]/g;

/** A document as JSON that does nothing to a terminal; a parser reads the very same values. */
export function jsonText(document: unknown, indent?: number): string {
  return JSON.stringify(document, null, indent).replace(
    acting,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}
