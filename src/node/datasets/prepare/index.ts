export { type LinkKind, linkKinds } from './link-file.js';
export * from './prepare.js';
