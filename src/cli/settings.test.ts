import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { UserError } from '../common/errors.js';
import { packageFile } from '../node/files/package-files.js';
import { advised, optionTexts, sentenceOf } from './settings.js';

const source = packageFile('src');
const isShell = (path: string): boolean => /^(cli|server)[/\\]/.test(path);
/** What is written for whoever has the command line: a server's description, and the card of a model. */
const isDocument = (path: string): boolean => /^(node[/\\]serve|service|convert[/\\]model-card\.)/.test(path);
const read = (path: string): string => readFileSync(join(source, path), 'utf8');
const files = readdirSync(source, { recursive: true, encoding: 'utf8' }).filter(
  (path) => path.endsWith('.ts') && !path.endsWith('.test.ts'),
);

/** Options of other programs that the library calls, or tells the user to call. */
const others = new Set([
  '--input-type',
  '--no-optional-locks',
  '--ignore-scripts',
  '--porcelain',
  '--show-toplevel',
  '--untracked-files',
]);

describe('settings', () => {
  it('are named by the library in words, never as options of the command line', () => {
    const library = files.filter((path) => !isShell(path));
    assert.ok(library.length > 100);
    const mentions = library.flatMap((path) =>
      [...read(path).matchAll(/(?<=[\s'"`([])--[a-z][a-z-]+/g)].map(([option]) => ({ path, option })),
    );
    assert.deepEqual(
      mentions.filter(({ option }) => !others.has(option)),
      [],
    );
  });

  it('are not commands of the command line in what the library says either', () => {
    const commands = new Set(
      files
        .filter(isShell)
        .flatMap((path) => [...read(path).matchAll(/new Command\('([a-z]+)'/g)].map(([, name]) => name)),
    );
    assert.ok(commands.size > 15);
    const comments = /\/\*[\s\S]*?\*\/|^\s*\/\/.*$/gm;
    const mentions = files
      .filter((path) => !isShell(path) && !isDocument(path))
      .flatMap((path) =>
        [
          ...read(path)
            .replace(comments, '')
            .matchAll(/\bposter ([a-z]+)/g),
        ].map(([, command]) => ({ path, command })),
      );
    assert.deepEqual(
      mentions.filter(({ command }) => commands.has(command)),
      [],
    );
  });

  it('are options, commands or variables that there are', () => {
    const shell = files.filter(isShell).map(read).join('\n');
    for (const text of Object.values(optionTexts)) {
      const [, command, option, variable] = /^(?:poster ([a-z]+) ?)?(--[a-z-]+)?([A-Z_]+$)?/.exec(text) ?? [];
      assert.ok(command !== undefined || option !== undefined || variable !== undefined, text);
      if (variable !== undefined) assert.ok(shell.includes(variable), variable);
      if (command !== undefined) assert.ok(shell.includes(`new Command('${command}')`), command);
      if (option !== undefined) assert.match(shell, new RegExp(`'[^']*${option}[ ']`), option);
    }
  });

  it('are shown before the full stop of the sentence that advises about them', () => {
    const error = new UserError('x.pth says nothing; name its labels.', 'input', { settings: ['model', 'labels'] });
    assert.equal(sentenceOf(error), 'x.pth says nothing; name its labels (--model NAME, --labels NAME).');
    assert.equal(sentenceOf(new Error('no sentence')), 'no sentence');
    assert.equal(advised('Nothing to advise.'), 'Nothing to advise.');
  });
});
