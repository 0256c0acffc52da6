/** Letters of Chinese, Japanese and Korean, their punctuation, and emoji are as wide as two others. */
const wide =
  /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Hangul}\u3000-\u303f\uff01-\uff60\p{Emoji_Presentation}]/u;
/** Accents that stand over the letter before them, and joiners. */
const none = /\p{Mn}|\p{Me}|\u200c|\u200d/u;

/** How many columns of a terminal a text takes; also a measure for text of other fonts. */
export function columnsOf(text: string): number {
  let columns = 0;
  for (const character of text) columns += none.test(character) ? 0 : wide.test(character) ? 2 : 1;
  return columns;
}

/** In the unit of the font's size; an estimate on the wide side (DejaVu Sans'): there are no metrics of the font that a reader has. */
export function textWidth(text: string, size: number, bold = false): number {
  return (bold ? 0.69 : 0.6) * size * columnsOf(text);
}

/** The beginning of a text, of at most so many columns, with an ellipsis where something is left out. */
export function shortened(text: string, columns: number): string {
  if (columnsOf(text) <= columns) return text;
  let kept = '';
  for (const character of text) {
    if (columnsOf(kept + character) >= columns) break;
    kept += character;
  }
  return `${kept}…`;
}

/** Text in lines of at most so many columns, broken at spaces; a longer word has a line of its own. */
export function wrapped(text: string, columns: number): string[] {
  const lines: string[] = [];
  for (const word of text.split(' ')) {
    const last = lines.at(-1);
    if (last !== undefined && columnsOf(last) + 1 + columnsOf(word) <= columns)
      lines[lines.length - 1] = `${last} ${word}`;
    else lines.push(word);
  }
  return lines;
}
