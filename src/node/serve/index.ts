export type { ServedRecognizer } from './networks.js';
export { type Served, type ServeOptions, serve } from './serve.js';
export { type ServeSettings, serveSettings } from './settings.js';
