/** What stands between two sentences: the end of one, and the beginning of another. */
const between = /(?<=[.!?:;]["”)*]*)\s+(?=[\p{Lu}"`(*\d<[])/u;

/**
 * The sentences of a page in Markdown. An item of a list and a cell of a table are apart. Blocks of code, comments and front
 * matter are no sentences; code and an address within a sentence count as a word.
 */
export function sentencesOf(page: string): string[] {
  const prose = page
    .replace(/^---\n.*?\n---\n/s, '')
    .replace(/```.*?```|<!--.*?-->/gs, '\n\n')
    .replace(/^ {4,}.*$/gm, '')
    .replace(/\]\([^)]*\)/g, ']')
    .replace(/`[^`\n]*`/g, '`');
  const blocks = prose
    .split(/\n\s*\n|\n(?=#|\||\s*[-*] |\s*\d+\. )/)
    .flatMap((block) => (block.trim().startsWith('|') ? block.split(/(?<!\\)\|/) : [block]));
  return blocks.flatMap((block) => block.split(between).map((sentence) => sentence.trim().replace(/\s+/g, ' ')));
}

/** Words are what holds a letter, a digit or code. */
export const wordsIn = (sentence: string): number =>
  sentence.split(' ').filter((word) => /[\p{L}\p{N}`]/u.test(word)).length;

/** The anchors of a page in Markdown, as GitHub makes them of headings. */
export const anchorsOf = (page: string): Set<string> =>
  new Set(
    [...page.matchAll(/^#+ (.*)$/gm)].map(([, heading = '']) =>
      heading
        .replace(/\[([^\]]*)\]\([^)]*\)/g, '$1')
        .toLowerCase()
        .replace(/[^\p{L}\p{N} _-]/gu, '')
        .trim()
        .replaceAll(' ', '-'),
    ),
  );
