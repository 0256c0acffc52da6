import { createHash, timingSafeEqual } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import type { IncomingHttpHeaders } from 'node:http';
import { UserError } from '../../common/errors.js';
import { printable } from '../../common/printable.js';
import { explainFileError } from '../files/files.js';

const digestOf = (key: string): Buffer => createHash('sha256').update(key).digest();

/** Shorter ones can be guessed. */
const shortestKey = 16;

/** The keys of a file, a line each; lines that are empty or begin with # count not. */
export class Keys {
  readonly #path: string;
  #digests: readonly Buffer[] = [];

  private constructor(path: string) {
    this.#path = path;
  }

  /** @throws UserError where the file cannot be read, has no key or one that is too short */
  static async read(path: string): Promise<Keys> {
    const keys = new Keys(path);
    await keys.reload();
    return keys;
  }

  get count(): number {
    return this.#digests.length;
  }

  /** Reads the file again. Where it cannot be used, the keys stay as they are. @throws UserError */
  async reload(): Promise<void> {
    const name = printable(this.#path, 4096);
    const text = await readFile(this.#path, 'utf8').catch((error: unknown) => {
      throw explainFileError(error, 'read', name);
    });
    const lines = text.split('\n').map((line) => line.trim());
    const keys = lines.filter((line) => line !== '' && !line.startsWith('#'));
    if (keys.length === 0) throw new UserError(`The file ${name} has no key; write one on a line of its own.`, 'usage');
    if (keys.some((key) => key.length < shortestKey)) {
      throw new UserError(`The file ${name} has a key below ${shortestKey} characters; write a longer one.`, 'usage');
    }
    if (!keys.every((key) => /^[!-~]+$/.test(key))) {
      const sentence = `The file ${name} has a key that no header can carry; write it in ASCII without spaces.`;
      throw new UserError(sentence, 'usage');
    }
    this.#digests = keys.map(digestOf);
  }

  /** Whether one of the keys was given. It takes as long whatever was given: digests are compared, and all of them. */
  accepts(given: string): boolean {
    const digest = digestOf(given);
    return this.#digests.map((key) => timingSafeEqual(key, digest)).includes(true);
  }
}

/** The key that a request gives: `authorization: Bearer KEY` or `x-api-key: KEY`. */
export function givenKey(headers: IncomingHttpHeaders): string | undefined {
  const { authorization, 'x-api-key': own } = headers;
  if (typeof own === 'string') return own;
  return /^Bearer +(\S+) *$/i.exec(authorization ?? '')?.[1];
}
