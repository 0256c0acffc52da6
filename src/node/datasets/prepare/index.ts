export { type LinkKind, linkKinds } from './place.js';
export * from './prepare.js';
