/** Words as a shell takes them. */
export function quoted(words: readonly string[]): string {
  return words.map((word) => (/^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`)).join(' ');
}

/** The words of a text that `quoted` made; double quotes mean nothing here. */
export const wordsOf = (text: string): string[] =>
  (text.match(/(?:'[^']*'|\\'|\S)+/g) ?? []).map((word) =>
    word.replace(/'([^']*)'|\\'/g, (_, inner?: string) => inner ?? "'"),
  );

/** Begins at a root, a home or a folder above, or passes through one above. */
const leadsOutside = /^(?:[/\\~]|\.\.?[/\\]|[A-Za-z]:[/\\]|file:)|[/\\]\.\.[/\\]/;

/**
 * A command line whose paths to elsewhere are names alone: weights are passed on, and where their maker keeps things is nobody's business.
 * Paths below the folder that the command ran in stay.
 * @param command as a shell takes it
 * @example withoutFolders('poster predict /home/ann/photo.jpg') // 'poster predict photo.jpg'
 */
export const withoutFolders = (command: string): string => quoted(wordsOf(command).map(withoutFolder));

function withoutFolder(word: string): string {
  // An option with its value, or a part with its file, such as `ir50=PATH`. A single letter before a colon is a drive.
  const [before = ''] = /^(?:--?[\w-]+=|\w{2,}=|(?!file:)\w{2,}:(?!\/\/))/.exec(word) ?? [];
  const path = word.slice(before.length);
  if (!leadsOutside.test(path)) return word;
  const name = path.split(/[/\\]/).findLast((part) => part !== '');
  return name === undefined ? word : before + name;
}
