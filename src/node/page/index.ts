export { listeningError } from './listening-error.js';
export { openBrowser } from './open-browser.js';
export { contentSecurityPolicy, pageHeaders } from './page-headers.js';
export { hasPage, pageRoutes } from './page-routes.js';
export { type PageAddress, type PageServer, servePage } from './serve-page.js';
