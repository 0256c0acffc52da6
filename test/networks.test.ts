import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { fails, succeeds, writeClasses } from './support/cli.js';

// POSTER V1, ARM and the backbones alone, in small sizes, through the commands.

const labels = ['happy', 'neutral', 'sad'];
let dir: string;
const json = async (...args: readonly string[]): Promise<unknown> =>
  JSON.parse((await succeeds([...args, '--json'], dir)).stdout);

before(async () => {
  dir = await mkdtemp(join(tmpdir(), 'poster-networks-'));
  await writeClasses(join(dir, 'faces', 'train'), labels, 4);
});
after(() => rm(dir, { recursive: true, force: true }));

describe('networks that POSTER V2 is measured against', () => {
  test('are counted beside it, in one unit', async () => {
    const { classes, networks } = (await json('profile', '--compare', 'poster-v2', 'poster-v1', 'arm')) as {
      classes: number;
      networks: { model: string; parameters: { reachingLogits: number }; multiplyAccumulates: { layers: number } }[];
    };
    assert.equal(classes, 7);
    assert.deepEqual(
      networks.map(({ model, parameters, multiplyAccumulates }) => [
        model,
        parameters.reachingLogits,
        multiplyAccumulates.layers,
      ]),
      [
        ['poster-v2', 43_753_941, 8_435_375_360],
        ['poster-v1', 58_906_255, 7_785_190_912],
        ['arm', 11_178_395, 1_813_809_999],
      ],
    );
    const { stdout } = await succeeds(['profile', '--compare', 'ir50', 'mobilefacenet'], dir);
    assert.match(stdout, /ir50 .*17,613,767.*\nmobilefacenet .*914,823/);
    await fails(['profile', '--compare', 'arm', '--model', 'arm'], dir, 2, /cannot be used with/);
  });

  test('what is not of a network is a sentence', async () => {
    const train = ['train', '--data', 'faces', '--device', 'cpu', '--out', 'none'];
    await fails(
      [...train, '--model', 'arm-nano', '--mixing', 'none'],
      dir,
      2,
      /value of mixing cannot be used: a arm-nano/,
    );
    await fails([...train, '--model', 'poster-v1-nano', '--landmark', 'none'], dir, 2, /landmark/);
    await fails(
      [...train, '--model', 'poster-v1-nano', '--landmark', 'frozen'],
      dir,
      2,
      /branch of poster-v1-nano has no weights of its own to keep, so it is 'trained', never 'frozen'/,
    );
  });
});
