import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { programCommit } from './versions.js';

let dir = '';
before(async () => {
  dir = await mkdtemp(join(tmpdir(), 'poster-commit-'));
});
after(() => rm(dir, { recursive: true, force: true }));

const git = (...args: string[]): string =>
  execFileSync('git', ['-C', dir, '-c', 'user.name=a', '-c', 'user.email=a@b.c', ...args], { encoding: 'utf8' });

function hasGit(): boolean {
  try {
    return execFileSync('git', ['--version']).length > 0;
  } catch {
    return false;
  }
}

describe('the commit of the program', { skip: hasGit() ? false : 'there is no git here' }, () => {
  it('is that of the clone it lies in, and says whether files were changed', async () => {
    assert.equal(await programCommit(dir), null, 'no clone');
    git('init', '-q');
    await writeFile(join(dir, 'a'), '1');
    git('add', 'a');
    git('commit', '-q', '-m', 'a');
    const commit = git('rev-parse', 'HEAD').trim();
    assert.deepEqual(await programCommit(dir), { commit, dirty: false });
    await writeFile(join(dir, 'b'), 'not tracked');
    assert.deepEqual(await programCommit(dir), { commit, dirty: false });
    await writeFile(join(dir, 'a'), '2');
    assert.deepEqual(await programCommit(dir), { commit, dirty: true });
  });

  it('is not that of a clone it was installed into', async () => {
    const installed = join(dir, 'node_modules', 'poster-v2');
    await mkdir(installed, { recursive: true });
    assert.equal(await programCommit(installed), null);
  });
});
