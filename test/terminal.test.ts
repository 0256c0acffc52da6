import assert from 'node:assert/strict';
import { cp, mkdir, mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { type Finished, main, poster, writeClasses } from './support/cli.js';

// Names of files and folders from elsewhere must not act on the terminal of who looks at them.

const evil = 'a\u001b[2J\u009b31m\u001b]0;title\u0007\r\u202e\nposter: all is well';
const controls = /(?!\n)[\p{Cc}\u202a-\u202e\u2066-\u2069]/u;

let dir = '';
before(async () => {
  dir = await mkdtemp(join(tmpdir(), 'poster-terminal-'));
});
after(() => rm(dir, { recursive: true, force: true }));

function harmless({ stdout, stderr }: Finished, what: string): void {
  assert.ok(stdout.length + stderr.length > 0, what);
  assert.doesNotMatch(stdout, controls, what);
  assert.doesNotMatch(stderr, controls, what);
  assert.doesNotMatch(stderr, /^poster: all is well/m, `${what}: no line of its own`);
}

describe('what names do to a terminal', { skip: process.platform === 'win32' }, () => {
  it('errors of every command quote them harmlessly', async () => {
    await mkdir(join(dir, evil));
    await writeFile(join(dir, evil, `${evil}.jpg`), 'no picture');
    await writeFile(join(dir, `${evil}.pth`), 'no weights');
    const commands = [
      ['check', evil],
      ['train', '--data', evil, '--out', 'out'],
      ['train', '--resume', `${evil}.safetensors`],
      ['evaluate', '--data', evil, '--checkpoint', `${evil}.pth`],
      ['report', evil],
      ['compare', evil, `${evil}/b`],
      ['predict', evil],
      ['predict', `${evil}.mp4`],
      ['explain', join(evil, `${evil}.jpg`), '--aligned'],
      ['embed', evil, '--out', 'features.safetensors'],
      ['landmarks', join(evil, `${evil}.jpg`), '--checkpoint', evil],
      ['convert', `${evil}.pth`, 'out.safetensors'],
      ['prepare', 'raf-db', evil, 'out'],
      ['profile', '--model', evil],
      ['predict', `--${evil}`],
      [evil],
      ['evaluate', '--data', '.', '--split', evil, '--verbose'],
    ];
    for (const words of commands) {
      const finished = await poster(words, dir);
      assert.notEqual(finished.code, 0, words.join(' '));
      harmless(finished, words.join(' '));
    }
  });

  it('results quote them harmlessly as text, and exactly as JSON', async () => {
    const data = join(dir, 'data', evil);
    await writeClasses(data, ['train/x', `train/${evil}`, 'test/x', `test/${evil}`], 1);
    const face = join(main, '../../../assets/astronaut-face.png');
    const picture = `${evil}.png`;
    await cp(face, join(dir, picture));
    for (const words of [
      ['check', data],
      ['predict', picture],
      ['predict', picture, '--aligned', '--draw', `drawn-${picture}`],
    ]) {
      harmless(await poster(words, dir), words.join(' '));
    }
    const { stdout } = await poster(['predict', picture, '--aligned', '--json'], dir);
    assert.doesNotMatch(stdout, controls);
    const { images } = JSON.parse(stdout) as { images: { image: string }[] };
    assert.deepEqual(
      images.map(({ image }) => image),
      [picture],
    );
    await rename(join(dir, picture), join(dir, 'plain.png'));
  });
});
