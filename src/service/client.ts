import type * as z from 'zod';
import { aNumber, aText, checkOptions, type OptionRules, requireOptions } from '../common/check-options.js';
import { UserError } from '../common/errors.js';
import { checkFileSource } from '../common/file-source.js';
import { type Batch, batch, type Models, models, type Single, single } from './documents.js';
import { type Explained, explained } from './explained.js';
import type { DetectOptionsSent, ExplainRequestOptions, RecognizeRequestOptions } from './request-options.js';
import { Sender, type SenderOptions } from './sender.js';

/** The file of a picture. */
export type SentPicture = Uint8Array | ArrayBuffer | Blob;

export interface ClientOptions extends SenderOptions {
  /** Where the server is: `http://127.0.0.1:8080`, or a path of a proxy that leads to it. */
  readonly url: string;
}

/** Of one request. */
export interface CallOptions {
  /** Gives the request up; what is thrown is its reason. */
  readonly signal?: AbortSignal;
}

/**
 * Asks a server that `poster serve` runs. All methods throw a UserError: of kind `input` for a picture that cannot be used, `usage` for
 * a key, an address or options that are wrong, `resources` for a server that cannot be reached or has no time. `problemIn` gives the
 * server's own document.
 */
export interface Client {
  /** The faces of a picture and their expressions: boxes and points are pixels of the upright picture. */
  recognize(picture: SentPicture, options?: RecognizeRequestOptions & CallOptions): Promise<Single>;
  /** The same of several pictures in one request; one that cannot be used has its problem in its place. */
  recognizeBatch(pictures: readonly SentPicture[], options?: RecognizeRequestOptions & CallOptions): Promise<Batch>;
  /** What the network attends to in each face. */
  explain(picture: SentPicture, options?: ExplainRequestOptions & CallOptions): Promise<Explained>;
  /** The network, its labels and what it takes. */
  models(options?: CallOptions): Promise<Models>;
}

const rules: OptionRules<ClientOptions> = { url: aText, key: aText, timeout: aNumber, retries: aNumber };

/**
 * A client of a server that `poster serve` runs, for Node and browsers. Answers are checked by the schemas that the server describes
 * itself with.
 *
 *     const client = createClient({ url: 'http://127.0.0.1:8080' });
 *     const { faces } = await client.recognize(await readFile('photo.jpg'));
 *
 * @throws UserError (kind `usage`) where the address or the key cannot be one, or another option cannot be
 */
export function createClient(options: ClientOptions): Client {
  requireOptions<ClientOptions>(options, { url: aText }, 'createClient');
  checkOptions(options, rules, 'createClient');
  const { url, ...sending } = options;
  const sender = new Sender(url, sending);
  /** An answer to a picture, or to several. */
  const posted = <T extends z.ZodType>(
    path: string,
    body: Blob | FormData,
    { signal, ...asked }: DetectOptionsSent & CallOptions,
    schema: T,
  ): Promise<z.output<T>> => sender.send({ method: 'POST', path, query: queryOf(asked), body }, schema, signal);
  return {
    recognize: async (picture, asked = {}) => posted('v1/recognize', fileOf(picture), asked, single),
    recognizeBatch: async (pictures, asked = {}) => {
      if (!Array.isArray(pictures) || pictures.length === 0) {
        throw new UserError('The batch has no picture; pass a list of one or more.', 'usage');
      }
      const form = new FormData();
      for (const picture of pictures) form.append('images', fileOf(picture));
      return posted('v1/recognize/batch', form, asked, batch);
    },
    explain: async (picture, asked = {}) => posted('v1/explain', fileOf(picture), asked, explained),
    models: ({ signal } = {}) => sender.send({ method: 'GET', path: 'v1/models' }, models, signal),
  };
}

/** Without a type: the server tells pictures by what they hold. @throws UserError (kind `usage`) for a path, and all else that is no file */
function fileOf(picture: SentPicture): Blob {
  if (!(picture instanceof Uint8Array || picture instanceof ArrayBuffer || picture instanceof Blob)) {
    throw new UserError(
      'A picture is sent as the bytes of its file; read it first, and pass a Uint8Array, an ArrayBuffer or a Blob.',
      'usage',
    );
  }
  checkFileSource(picture, 'The picture');
  if (picture instanceof Uint8Array) {
    const { buffer, byteOffset, length } = picture;
    // Memory that is shared with other threads is copied.
    return new Blob([
      buffer instanceof ArrayBuffer ? new Uint8Array(buffer, byteOffset, length) : Uint8Array.from(picture),
    ]);
  }
  return picture instanceof ArrayBuffer ? new Blob([picture]) : picture;
}

/** `?maxFaces=1&scales=96,192` */
function queryOf(options: Readonly<Record<string, unknown>>): string {
  const given = Object.entries(options).filter(([, value]) => value !== undefined);
  if (given.length === 0) return '';
  // Of lists the values with commas between.
  return `?${given.map(([name, value]) => `${name}=${encodeURIComponent(String(value))}`).join('&')}`;
}
