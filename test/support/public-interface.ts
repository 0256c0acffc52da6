import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';

/** The kinds of what an entry exports: `type` has no value at run time, `namespace` is one with names of its own. */
type Kind = 'class' | 'const' | 'enum' | 'function' | 'type' | { readonly namespace: Names };
type Names = ReadonlyMap<string, Kind>;

const root = fileURLToPath(new URL('../../../', import.meta.url));
const target = z.object({ types: z.string() });
const manifest = z.object({
  exports: z.record(z.string(), z.union([z.string(), target.extend({ browser: target.optional() })])),
});

/** The declaration file that an import in another one means. */
const declarationOf = (file: string, path: string): string => join(dirname(file), path.replace(/\.js$/, '.d.ts'));

/** The names in braces: `type Face, moved as shifted`. */
function listed(braces: string): { from: string; name: string; isType: boolean }[] {
  return braces
    .split(',')
    .map((one) => one.trim())
    .filter((one) => one !== '')
    .map((one) => {
      const [, type, from = '', name = from] = /^(type )?(\w+)(?: as (\w+))?$/.exec(one) ?? [];
      return { from, name, isType: type !== undefined };
    });
}

/** What a declaration file, as the compiler writes it, declares at its top, exported or not. */
function declared(text: string): Names {
  const found = new Map<string, Kind>();
  const pattern =
    /^(?:export )?(?:declare )?(?:abstract )?(class|const|let|enum|function|interface|type|namespace) (\w+)/gm;
  for (const [, word = '', name = ''] of text.matchAll(pattern)) {
    if (word === 'interface' || word === 'type') found.set(name, 'type');
    else if (word === 'class' || word === 'enum' || word === 'function') found.set(name, word);
    else if (word === 'namespace') throw new Error(`${name}: namespaces are made by \`export * as\` here`);
    else found.set(name, 'const');
  }
  return found;
}

/** What a declaration file exports. */
function exported(file: string): Names {
  const text = readFileSync(file, 'utf8').replace(/\/\*.*?\*\//gs, '');
  const names = new Map<string, Kind>();
  const own = declared(text);
  const imported = new Map<string, Kind>();
  const kindIn = (path: string, name: string): Kind => {
    const kind = path.startsWith('.') ? exported(declarationOf(file, path)).get(name) : 'type';
    if (kind === undefined) throw new Error(`${file}: ${path} exports no ${name}`);
    return kind;
  };
  for (const [, type, braces = '', path = ''] of text.matchAll(/^import (type )?\{([^}]*)\} from '([^']+)'/gm)) {
    for (const { from, name, isType } of listed(braces)) {
      // Only what is exported again is looked up.
      if (new RegExp(`^export (type )?\\{[^}]*\\b${name}\\b[^}]*\\};`, 'm').test(text))
        imported.set(name, type !== undefined || isType ? 'type' : kindIn(path, from));
    }
  }
  for (const [, name = ''] of text.matchAll(/^export (?:declare )?(?:abstract )?[a-z]+ (\w+)/gm)) {
    const kind = own.get(name);
    if (kind !== undefined) names.set(name, kind);
  }
  for (const [, type, braces = '', path] of text.matchAll(/^export (type )?\{([^}]*)\}(?: from '([^']+)')?/gm)) {
    for (const { from, name, isType } of listed(braces)) {
      const kind = path === undefined ? (own.get(from) ?? imported.get(from)) : kindIn(path, from);
      if (kind === undefined) throw new Error(`${file}: no ${from} is there to be exported`);
      names.set(name, type !== undefined || isType ? 'type' : kind);
    }
  }
  for (const [, path = ''] of text.matchAll(/^export \* from '([^']+)'/gm)) {
    for (const [name, kind] of exported(declarationOf(file, path))) names.set(name, kind);
  }
  for (const [, name = '', path = ''] of text.matchAll(/^export \* as (\w+) from '([^']+)'/gm)) {
    names.set(name, { namespace: exported(declarationOf(file, path)) });
  }
  return names;
}

/** `function input`, in a namespace `function graph.input`. */
function lines(names: Names, prefix: string): string[] {
  return [...names].flatMap(([name, kind]) =>
    typeof kind === 'string' ? [`${kind} ${prefix}${name}`] : lines(kind.namespace, `${prefix}${name}.`),
  );
}

/** The entries of package.json with the declaration files that their conditions lead to. */
function declarationFiles(): Map<string, string> {
  const { exports } = manifest.parse(JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')));
  return new Map(
    Object.entries(exports).flatMap(([path, target]): [string, string][] => {
      if (typeof target === 'string') return [];
      const entry = path.replace(/^\./, 'poster-v2');
      const { types, browser } = target;
      const there: [string, string][] =
        browser === undefined ? [] : [[`${entry} in browsers`, join(root, browser.types)]];
      return [[entry, join(root, types)], ...there];
    }),
  );
}

/** The names of an entry that have a value at run time. */
export function valuesOf(entry: string): string[] {
  const file = declarationFiles().get(entry);
  if (file === undefined) throw new Error(`package.json has no entry ${entry}`);
  return [...exported(file)].flatMap(([name, kind]) => (kind === 'type' ? [] : [name])).sort();
}

/** The public interface: a line a name, `poster-v2/core: function graph.input`, sorted within its entry. */
export function publicInterface(): string[] {
  return [...declarationFiles()].flatMap(([entry, file]) =>
    lines(exported(file), '')
      .sort()
      .map((line) => `${entry}: ${line}`),
  );
}

/** The file that holds the lines as they were agreed on. */
export const agreedInterface = join(root, 'test', 'fixtures', 'interface.txt');
