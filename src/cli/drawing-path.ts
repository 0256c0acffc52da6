import { extname } from 'node:path';
import { UserError } from '../common/errors.js';
import { isFolder } from '../node/files/path-kind.js';

/**
 * Whether drawings go into the file `to`, or below it as a folder: one that is there, has no ending, or ends in a slash.
 * @param isFile whether a path has an ending that can be drawn to
 * @param kinds the endings, for the sentence
 * @throws UserError for any other ending.
 */
export async function checkDrawing(to: string, isFile: (path: string) => boolean, kinds: string): Promise<void> {
  if (isFile(to) || extname(to) === '' || /[/\\]$/.test(to) || (await isFolder(to))) return;
  throw new UserError(`--draw ${to}: name a file that ends in ${kinds}, or a folder that ends in /.`, 'usage');
}
