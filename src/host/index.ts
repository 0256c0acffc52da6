import type { Host } from './host.js';

export type { Host, OrtModule, RuntimeUse } from './host.js';

/**
 * The host of this program. The core imports it as `#host`: `imports` in package.json lead to Node's or, in what is bundled for
 * browsers, to the web's. Compilers find this declaration there.
 */
export declare const host: Host;
