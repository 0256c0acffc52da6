/// <reference types="node" preserve="true" />
/// <reference lib="esnext.disposable" preserve="true" />
/** `poster-v2/serve`: expressions over HTTP, from a program of your own. */

export {
  type Served,
  type ServedRecognizer,
  type ServeOptions,
  type ServeSettings,
  serve,
} from '../node/serve/index.js';
