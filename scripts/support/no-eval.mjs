/**
 * First in every chunk: zod tries once whether it may make functions of text, which a content security policy reports. The package's
 * entries tell it not to (src/web/host/no-eval.ts), but where esbuild splits code, a chunk with schemas may run before them.
 */
export const noEval = '(globalThis.__zod_globalConfig ??= {}).jitless = true;';
