import assert from 'node:assert/strict';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import { UserError } from '../../../common/errors.js';
import { failsWith, temporaryFolder } from '../helpers.test.js';
import { prepareDataset } from './prepare.js';
import { type Row, readRows } from './rows.js';

async function rows(path: string, delimiter?: ',' | ' '): Promise<Row[]> {
  const all: Row[] = [];
  for await (const row of readRows(path, delimiter)) all.push(row);
  return all;
}

test('lines keep their numbers, whatever ends them', async (context) => {
  const path = join(await temporaryFolder(context), 'list.csv');
  const expected = [
    { line: 1, fields: ['a', 'b, "c"'] },
    { line: 4, fields: ['d'] },
    { line: 5, fields: ['e', '', 'f'] },
  ];
  for (const end of ['\n', '\r\n']) {
    await writeFile(path, `\uFEFF${['a ,"b, ""c"""', '', '  ', 'd', 'e,,f', ''].join(end)}`);
    assert.deepEqual(await rows(path), expected);
  }
  await writeFile(path, 'a,1\nb,2\r\nc,3');
  assert.deepEqual(
    (await rows(path)).map(({ line, fields }) => [line, fields.join()]),
    [
      [1, 'a,1'],
      [2, 'b,2'],
      [3, 'c,3'],
    ],
  );
  await writeFile(path, 'a.jpg 1\nb"c\t2\n');
  assert.deepEqual(
    (await rows(path, ' ')).map(({ fields }) => fields),
    [
      ['a.jpg', '1'],
      ['b"c', '2'],
    ],
  );
});

test('files that are none, or whose form breaks', async (context) => {
  const root = await temporaryFolder(context);
  const path = join(root, 'list.csv');
  await failsWith(() => rows(path), path, 'no such file');
  await failsWith(() => rows(root), 'not a regular file');
  await writeFile(path, 'a,b\nc,"d');
  await failsWith(() => rows(path), 'line 2', 'quote is not closed');
  await writeFile(path, `a,b\n${'x'.repeat(70_000)}`);
  await failsWith(() => rows(path), 'line 2', 'more than 65536 characters');
  await writeFile(path, '');
  assert.deepEqual(await rows(path), []);
});

test('whatever is in a list: a dataset or a UserError', async (context) => {
  const root = await temporaryFolder(context);
  await mkdir(join(root, 'rafdb'));
  await mkdir(join(root, 'affectnet'));
  await writeFile(join(root, 'rafdb/train_1_aligned.jpg'), 'x');
  await writeFile(join(root, 'affectnet/1.jpg'), 'x');
  const field = fc.oneof(
    fc.constantFrom('train_1.jpg', '1.jpg', '"', '../1.jpg', '1', '7', '11', '\r', ',', ' ', '\n', '\0', 'expression'),
    fc.string({ unit: 'binary', maxLength: 6 }),
  );
  const list = fc.array(field, { maxLength: 30 }).map((fields) => fields.join(''));
  let n = 0;
  await fc.assert(
    fc.asyncProperty(list, async (text) => {
      for (const [name, folder, file] of [
        ['raf-db', 'rafdb', 'list_patition_label.txt'],
        ['affectnet-8', 'affectnet', 'training.csv'],
      ] as const) {
        const lines = name === 'raf-db' ? `train_1.jpg 3\n${text}` : `1.jpg,,,,,,3,,\n${text}`;
        await writeFile(join(root, folder, file), lines);
        try {
          const result = await prepareDataset(name, join(root, folder), join(root, `out${n++}`), { skipBad: true });
          assert.deepEqual(result.splits[0]?.counts[name === 'raf-db' ? 2 : 3], 1);
        } catch (error) {
          assert.ok(error instanceof UserError, String(error));
        }
      }
    }),
    { numRuns: 40 },
  );
});
