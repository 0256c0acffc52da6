/// <reference lib="esnext.disposable" preserve="true" />
/** `poster-v2/client`: asks a server that `poster serve` runs, from Node and from browsers. */

export { type ErrorKind, isOfKind, UserError } from '../common/errors.js';
export {
  type CallOptions,
  type Client,
  type ClientOptions,
  createClient,
  type SentPicture,
} from '../service/client.js';
export type { Batch, Models, ServedRecognition, Single } from '../service/documents.js';
export type { Explained } from '../service/explained.js';
export type { ProblemDocument } from '../service/problem-document.js';
export type { ExplainRequestOptions, RecognizeRequestOptions } from '../service/request-options.js';
export { problemIn } from '../service/sender.js';
