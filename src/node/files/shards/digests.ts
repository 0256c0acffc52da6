import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { explainFileError } from '../files.js';

/** SHA-256 of a file's bytes, in hexadecimal digits. @throws UserError where it cannot be read. */
export async function digestOfFile(path: string): Promise<string> {
  const hash = createHash('sha256');
  try {
    for await (const chunk of createReadStream(path)) hash.update(chunk);
  } catch (error) {
    throw explainFileError(error, 'read', path);
  }
  return hash.digest('hex');
}

/** SHA-256 of what a list says, item by item, in hexadecimal digits. */
export function digestOfList(items: Iterable<unknown>): string {
  const hash = createHash('sha256');
  for (const item of items) hash.update(`${JSON.stringify(item)}\n`);
  return hash.digest('hex');
}
