/// <reference lib="dom" preserve="true" />
/// <reference lib="esnext.disposable" preserve="true" />
/** `poster-v2/train` in browsers: classes of one's own, learned in a worker. */

export { Learner, type WebLearnOptions } from '../web/learn/index.js';
export * from './train-every-host.js';
