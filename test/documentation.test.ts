import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';

const root = new URL('../../', import.meta.url);
const read = (path: string): Promise<string> => readFile(new URL(path, root), 'utf8');

for (const page of ['docs/compiler.md', 'docs/adding-an-operation.md', 'docs/adding-a-network.md']) {
  test(`${page} quotes the code as it is`, async () => {
    const text = await read(page);
    const quotations = [...text.matchAll(/```ts\n\/\/ (\S+)\n(.*?)\n```/gs)];
    assert.equal(quotations.length, text.match(/```ts/g)?.length, 'every block of code names its file first');
    const lines = (code: string): string => code.replace(/^\s+/gm, '');
    for (const [, path = '', code = ''] of quotations) {
      assert.ok(lines(await read(path)).includes(lines(code)), `${path} has no longer: ${code}`);
    }
  });
}
