import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

/*
 * Esbuild splits code by files: who imports a name from a file that gathers others (`index.js`, an entry of the package) takes along all of
 * them that anybody uses. Here imports lead to the file where a name is made, so that a page's first file holds what it needs.
 * Nothing is lost: but for the modules that package.json lists under `sideEffects`, a file that gathers others does nothing itself.
 */

/** @param {string} source @param {string} path of the source @param {(specifier: string) => string | undefined} entryOf file of a package's entry */
export function withDirectImports(source, path, entryOf) {
  return source.replace(/^import \{([^}]*)\} from '([^']+)';$/gm, (statement, names, specifier) => {
    const file = fileOf(specifier, path, entryOf);
    if (file === undefined) return statement;
    const wanted = specifiers(names);
    const made = wanted.map(({ name }) => originOf(file, name));
    if (made.every((one) => one === undefined || one.file === file)) return statement;
    return wanted
      .map(({ name, as }, i) => {
        const origin = made[i];
        const [from, own] = origin === undefined ? [specifier, name] : [origin.file, origin.name];
        return `import { ${own} as ${as} } from ${JSON.stringify(from)};`;
      })
      .join(' ');
  });
}

function fileOf(specifier, importer, entryOf) {
  if (specifier.startsWith('.')) {
    const file = join(dirname(importer), specifier);
    return isRead(file) ? file : undefined;
  }
  return entryOf(specifier);
}

/** Sources of the compiler's output; others, such as TypeScript's own, gather nothing. */
const isRead = (file) => /[\\/]dist[\\/]src[\\/]/.test(file) && file.endsWith('.js');

/** `a, b as c, type D`; types are gone by then. */
const specifiers = (text) =>
  text
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part !== '' && !part.startsWith('type '))
    .map((part) => {
      const [name, as = name] = part.split(/\s+as\s+/);
      return { name, as };
    });

const texts = new Map();
const textOf = (file) => {
  if (!texts.has(file)) texts.set(file, readFileSync(file, 'utf8'));
  return texts.get(file);
};

/** The file that makes what another exports by a name, and its name there; undefined where that is not plain to see. */
function originOf(file, name) {
  const text = textOf(file);
  const from = (specifier) => (specifier.startsWith('.') ? join(dirname(file), specifier) : undefined);
  for (const [, names, specifier] of text.matchAll(/^export \{([^}]*)\} from '([^']+)';$/gm)) {
    const found = specifiers(names).find(({ as }) => as === name);
    if (found === undefined) continue;
    const next = from(specifier);
    return next === undefined ? { file, name } : (originOf(next, found.name) ?? { file: next, name: found.name });
  }
  if (new RegExp(`^export (?:async )?(?:const|let|function\\*?|class) ${name}\\b`, 'm').test(text))
    return { file, name };
  const listed = [...text.matchAll(/^export \{([^}]*)\};$/gm)].flatMap(([, names]) => specifiers(names));
  if (listed.some(({ as }) => as === name)) return { file, name };
  for (const [, specifier] of text.matchAll(/^export \* from '([^']+)';$/gm)) {
    const next = from(specifier);
    const origin = next === undefined ? undefined : originOf(next, name);
    if (origin !== undefined) return origin;
  }
  return undefined;
}
