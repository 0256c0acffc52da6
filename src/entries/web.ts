/// <reference lib="dom" preserve="true" />
/// <reference lib="esnext.disposable" preserve="true" />
/** `poster-v2` in browsers. */

export * from './every-host.js';
