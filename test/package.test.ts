import assert from 'node:assert/strict';
import { execFile, spawnSync } from 'node:child_process';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { z } from 'zod';
import { writeClasses } from './support/cli.js';
import { supportedNodes } from './support/node-versions.js';
import { type PackedProject, packageManifest, packedProject } from './support/packed-project.js';

/*
 * The command as others get it: packed, unpacked in a project that has nothing but what the package depends on, and run there by the
 * versions of Node that the README names. The library: interface.test.ts.
 */
const run = promisify(execFile);
const portrait = fileURLToPath(new URL('../../assets/astronaut.png', import.meta.url));
const hasFfmpeg = spawnSync('ffmpeg', ['-version']).status === 0;
let project: PackedProject;

before(async () => {
  project = await packedProject();
  await writeClasses(join(project.folder, 'faces', 'train'), ['neutral', 'happy'], 4);
  await writeClasses(join(project.folder, 'faces', 'valid'), ['neutral', 'happy'], 2);
});
after(() => rm(project.folder, { recursive: true, force: true }));

test('npx poster finds the command', async () => {
  const { stdout } = await run('npx', ['--no', '--', 'poster', '--version'], { cwd: project.folder });
  assert.equal(stdout.trim(), packageManifest.version);
});

for (const { version, path, skip } of supportedNodes) {
  /** Runs the packed command. @returns what it wrote, to both outputs */
  const packed = (...args: readonly string[]): Promise<{ stdout: string; stderr: string }> =>
    run(path, [project.poster, ...args], { cwd: project.folder });

  test(`Node ${version} runs the packed command: photos, training, measuring`, { skip }, async () => {
    const photo = await packed('predict', portrait, '--jsonl');
    assert.match(photo.stdout, /"expression":"happiness"/);
    // Not a word besides, such as that a part of Node is experimental.
    assert.equal(photo.stderr, '');
    const out = `run-${version}`;
    const options = ['--epochs', '1', '--batch-size', '4', '--device', 'cpu', '--workers', '1', '--threads', '2'];
    const network = ['--model', 'resnet8'];
    const trained = await packed('train', '--data', 'faces', '--out', out, '--json', ...network, ...options);
    assert.doesNotMatch(trained.stderr, /Warning/);
    const weights = join(out, 'best.safetensors');
    const measured = await packed('evaluate', '--data', 'faces', '--checkpoint', weights, '--json');
    assert.equal(z.object({ samples: z.number() }).parse(JSON.parse(measured.stdout)).samples, 4);
    assert.doesNotMatch(measured.stderr, /Warning/);
  });

  test(`Node ${version} reads a video`, { skip: hasFfmpeg ? skip : 'ffmpeg is not installed here' }, async () => {
    const video = join(project.folder, `portrait-${version}.mp4`);
    const input = ['-loop', '1', '-t', '1', '-r', '5', '-i', portrait];
    await run('ffmpeg', ['-v', 'error', '-nostdin', ...input, '-pix_fmt', 'yuv420p', video]);
    const { stdout } = await packed('predict', video, '--json');
    assert.match(stdout, /"label": "happiness"/);
  });
}
