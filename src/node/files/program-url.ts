/**
 * Where the code that runs lies: the URL of this module, or the path of the bundle that it has become part of. A bundle
 * in CommonJS form has no `import.meta.url`. To be called when a file is needed, never while modules load.
 */
export function programUrl(): string {
  const url: string | undefined = import.meta.url;
  return url ?? __filename;
}
