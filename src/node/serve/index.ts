export type { ServedRecognizer } from './inference.js';
export { type Served, type ServeOptions, serve } from './serve.js';
export { type ServeSettings, serveSettings } from './settings.js';
