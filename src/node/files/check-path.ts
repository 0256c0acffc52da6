import { UserError } from '../../common/errors.js';
import { typeInWords } from '../../common/type-in-words.js';

/**
 * Programs without types may pass anything. An empty text would be the folder in which the program runs, which is what nobody means by it.
 * @param name what errors call it, such as `The folder of the dataset`
 * @throws UserError (kind `usage`) for what is no path
 */
export function checkPath(path: unknown, name: string): asserts path is string {
  if (typeof path === 'string' && path !== '') return;
  const what = path === '' ? 'empty' : `${typeInWords(path)}, not a path`;
  throw new UserError(`${name} is ${what}; give a path as a text.`, 'usage');
}
