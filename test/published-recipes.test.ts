import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { describe, it } from 'node:test';
import { evaluateCommand } from '../src/cli/commands/evaluate.js';
import { trainCommand } from '../src/cli/commands/train.js';
import { dataTypes } from '../src/node/runs/options.js';
import { runFor } from '../src/node/runs/recipes.js';
import { augmentationOf } from '../src/node/runs/run-network.js';

const pages = ['docs/published-recipes.md', 'README.md'].map((path) =>
  readFile(new URL(`../../${path}`, import.meta.url), 'utf8'),
);
const page = (await Promise.all(pages)).join('\n');

/** Rows of the table whose header begins with these cells. */
function table(...header: string[]): string[][] {
  const lines = page.split('\n');
  const cells = (line: string): string[] =>
    line
      .split('|')
      .slice(1, -1)
      .map((cell) => cell.trim());
  const start = lines.findIndex((line) => line.startsWith('|') && header.every((cell, i) => cells(line)[i] === cell));
  assert.ok(start >= 0, `there is a table of ${header.join(', ')}`);
  const end = lines.findIndex((line, i) => i > start && !line.startsWith('|'));
  return lines.slice(start + 2, end).map(cells);
}

/** What the published scripts' argument parsers know. */
const publishedFlags = [
  ...['--data', '--data_type', '--checkpoint_path', '--best_checkpoint_path', '--workers', '--epochs', '--start-epoch'],
  ...['--batch-size', '--optimizer', '--lr', '--momentum', '--wd', '--print-freq', '--resume', '--evaluate', '--beta'],
  '--gpu',
];
const commands = new Map([trainCommand(), evaluateCommand()].map((command) => [command.name(), command]));

describe('docs/published-recipes.md and the README', () => {
  it('has an equivalent for every flag of the published scripts, which the real commands know', () => {
    const rows = table('published', 'here');
    const named = rows.flatMap(([published = '']) => published.match(/--[\w-]+/g) ?? []);
    for (const flag of publishedFlags) assert.ok(named.includes(flag), `${flag} is in the table`);
    for (const [published = '', here = ''] of rows) {
      if (published.includes('--beta')) continue;
      const [, name = '', flag = ''] = /^`poster (\w+) (--[\w-]+)/.exec(here) ?? [];
      const options = commands.get(name)?.options ?? [];
      assert.ok(
        options.some(({ long }) => long === flag),
        `${published} is ${here}`,
      );
    }
  });

  it('the spellings it says are taken as they are, are', () => {
    const options = trainCommand().options.flatMap(({ short, long }) => [short, long]);
    for (const flag of ['--data_type', '--wd', '-b', '-j', '--gpu']) assert.ok(options.includes(flag), flag);
  });

  it("states the recipes' numbers", () => {
    const rows = new Map(table('', 'RAF-DB').map(([name = '', ...cells]) => [name, cells]));
    dataTypes
      .filter((name) => name !== 'FERPlus')
      .forEach((dataType, i) => {
        const run = runFor({ data: 'any', given: { dataType } });
        const { erasing } = augmentationOf(run);
        assert.ok(erasing);
        assert.equal(Number(rows.get('learning rate')?.[i]), run.lr);
        assert.equal(Number(rows.get('random erasing: probability')?.[i]), erasing.probability);
        const share = rows.get('random erasing: share of the picture')?.[i] ?? '';
        assert.deepEqual(share.split(' to ').map(Number), [...new Set(erasing.scale)]);
        assert.equal(rows.get('sampling')?.[i], run.sampling === 'balanced' ? 'class-balanced' : run.sampling);
        const options = trainCommand().options.map(({ long }) => long);
        for (const cells of rows.values()) assert.ok(options.includes(cells[4]?.replaceAll('`', '')), cells[4]);
      });
  });
});
