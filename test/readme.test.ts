import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { succeeds } from './support/cli.js';

const root = fileURLToPath(new URL('../../', import.meta.url));
const read = (path: string): string => readFileSync(join(root, path), 'utf8');
const pages = ['.', 'docs', 'docs/decisions', 'assets'].flatMap((folder) =>
  readdirSync(join(root, folder))
    .filter((name) => name.endsWith('.md'))
    .map((name) => join(folder, name)),
);

test('links between pages lead somewhere', () => {
  assert.ok(pages.length > 8);
  for (const page of pages) {
    for (const [, target = ''] of read(page).matchAll(/\]\(([^)#\s]+)[^)]*\)/g)) {
      if (/^https?:/.test(target)) continue;
      assert.ok(existsSync(join(root, dirname(page), target)), `${page} links to ${target}`);
    }
  }
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
