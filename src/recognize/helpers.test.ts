/** Shared by this room's tests: a network small enough to be made in passing, and pictures. */
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import sharp from 'sharp';
import { random } from '../common/random.js';
import { buildInference, type PosterV2Config, posterV2NanoConfig, posterV2Network } from '../models/index.js';
import { initialize } from '../nn/index.js';
import type { ModelCheckpoint } from '../safetensors/index.js';

export const tinyConfig: PosterV2Config = {
  ...posterV2NanoConfig,
  numClasses: 3,
  imageSize: 16,
  backboneSize: 16,
  image: { stem: 4, stages: [4, 8, 8].map((channels) => ({ channels, units: 1 })) },
  landmark: 'none',
  attention: [
    { window: 4, heads: 1, dropPath: 0 },
    { window: 2, heads: 2, dropPath: 0 },
    { window: 1, heads: 2, dropPath: 0 },
  ],
  transformer: { embedding: 8, blocks: 1, heads: 2 },
};

export const tinyLabels = { name: 'three', labels: ['happy', 'neutral', 'sad'] };

export function tinyCheckpoint(config: PosterV2Config = tinyConfig): ModelCheckpoint {
  const { parameters } = buildInference(posterV2Network(config));
  return {
    model: { name: 'tiny', config: { ...config } },
    labels: tinyLabels,
    preprocessing: { imageSize: 16, channels: 1, mean: [0.5], std: [0.25] },
    parameters: new Map(
      [...parameters].map(([name, spec]) => [
        name,
        { shape: [...spec.shape], data: initialize(spec, random(5, 'init', name)) },
      ]),
    ),
  };
}

/** A folder that is gone after the test. */
export async function temporaryFolder(context: TestContext): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'poster-recognize-'));
  context.after(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

/** `count` square pictures of noise, of a brightness of its own, in each class folder. */
export async function writePictures(root: string, folders: readonly string[], count = 2, side = 20): Promise<void> {
  for (const [k, folder] of folders.entries()) {
    await mkdir(join(root, folder), { recursive: true });
    for (let i = 0; i < count; i++) {
      const stream = random(1, folder, i);
      const data = Uint8Array.from({ length: side * side * 3 }, () => 40 + 60 * k + stream.int(60));
      await sharp(data, { raw: { width: side, height: side, channels: 3 } })
        .png()
        .toFile(join(root, folder, `${i}.png`));
    }
  }
}
