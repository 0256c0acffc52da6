import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { dirname, join, posix } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { succeeds } from './support/cli.js';
import { anchorsOf, sentencesOf, wordsIn } from './support/sentences.js';

const root = fileURLToPath(new URL('../../', import.meta.url));
const read = (path: string): string => readFileSync(join(root, path), 'utf8');
const folders = ['.', 'docs', 'docs/decisions', 'examples', 'assets', 'weights', 'web'];
const pages = folders.flatMap((folder) =>
  readdirSync(join(root, folder))
    .filter((name) => name.endsWith('.md'))
    .map((name) => posix.join(folder, name)),
);

test('links between pages lead somewhere', () => {
  assert.ok(pages.length > 8);
  for (const page of pages) {
    for (const [, target = '', anchor] of read(page).matchAll(/\]\(([^)#\s]*)(?:#([^)\s]*))?\)/g)) {
      if (/^https?:/.test(target)) continue;
      const path = target === '' ? page : join(dirname(page), target);
      assert.ok(existsSync(join(root, path)), `${page} links to ${target}`);
      if (anchor !== undefined) assert.ok(anchorsOf(read(path)).has(anchor), `${page} links to ${target}#${anchor}`);
    }
  }
});

test('every page of docs is linked from the README, and every decision from their list', () => {
  const readme = read('README.md');
  for (const page of pages.filter((path) => dirname(path) === 'docs')) assert.ok(readme.includes(`](${page})`), page);
  const list = read('docs/decisions/README.md');
  for (const name of readdirSync(join(root, 'docs/decisions')).filter((one) => /^\d/.test(one))) {
    assert.ok(list.includes(`](${name})`), name);
  }
});

test('a sentence has at most 32 words', () => {
  // What was measured and what has changed are lists of their own.
  const others = new Set(['CHANGELOG.md', 'docs/results.md']);
  const long = pages
    .filter((page) => !others.has(page))
    .flatMap((page) =>
      sentencesOf(read(page))
        .filter((sentence) => wordsIn(sentence) > 32)
        .map((sentence) => `${page}: ${sentence}`),
    );
  assert.deepEqual(long, []);
});

test('the README names commands and options that there are', async () => {
  const readme = read('README.md');
  const { scripts } = JSON.parse(read('package.json')) as { scripts: Record<string, string> };
  for (const [, script = ''] of readme.matchAll(/npm run ([a-z]+)/g)) assert.ok(scripts[script], `npm run ${script}`);
  const commands = [
    ...[
      'prepare raf-db',
      'prepare ferplus',
      'prepare fer2013',
      'crop',
      'check',
      'train',
      'evaluate',
      'report',
      'compare',
      'predict',
      'landmarks',
    ],
    ...['explain', 'embed', 'convert', 'profile', 'learn', 'calibrate', 'rebalance', 'page', 'serve'],
  ];
  const help = new Map<string, string>();
  for (const command of commands) help.set(command, (await succeeds([...command.split(' '), '--help'], root)).stdout);
  const used = [...readme.matchAll(/npx poster (.*)$/gm)].map(([, line = '']) => line.replace(/`.*/, ''));
  assert.ok(used.length > 5);
  for (const line of used) {
    const command = commands.find((name) => line.startsWith(name));
    assert.ok(command, `poster ${line}`);
    for (const [flag] of line.matchAll(/--[a-z-]+/g)) {
      assert.match(help.get(command) ?? '', new RegExp(`${flag}\\b`), `poster ${line}`);
    }
  }
});

test('the README quotes the example as it is', () => {
  const quotations = [...read('README.md').matchAll(/```ts\n\/\/ (\S+)\n([\s\S]*?)^```$/gm)];
  assert.equal(quotations.length, 1);
  for (const [, path = '', code = ''] of quotations) {
    assert.ok(read(path).includes(code), `${path} has no longer: ${code}`);
  }
});

test('npx poster can run the command in a clone', { skip: process.platform === 'win32' }, () => {
  const { mode } = statSync(new URL('../../dist/cli/poster.js', import.meta.url));
  assert.equal(mode & 0o111, 0o111);
});
