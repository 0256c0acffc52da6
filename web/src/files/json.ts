export const jsonOf = (document: unknown): Blob =>
  new Blob([`${JSON.stringify(document, undefined, 2)}\n`], { type: 'application/json' });
