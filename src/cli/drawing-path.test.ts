import assert from 'node:assert/strict';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { isOfKind, messageOf } from '../common/errors.js';
import { checkDrawing } from './drawing-path.js';

const dir = await mkdtemp(join(tmpdir(), 'poster-drawing-'));
after(() => rm(dir, { recursive: true }));

test('a drawing has an ending that is known, or goes into a folder', async () => {
  const check = (to: string): Promise<void> => checkDrawing(to, (path) => path.endsWith('.png'), '.png');
  await mkdir(join(dir, 'v1.2'));
  for (const to of ['a.png', 'folder', '.', '..', 'seen.gif/', join(dir, 'v1.2')]) await check(to);
  await assert.rejects(check('seen.gif'), (error) => {
    assert.match(messageOf(error), /^--draw seen\.gif: name a file that ends in \.png, or/);
    return isOfKind(error, 'usage');
  });
});
