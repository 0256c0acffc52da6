import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { AutoModel, AutoProcessor, env, pipeline, RawImage, Tensor } from '@huggingface/transformers';
import sharp from 'sharp';
import { random } from '../src/common/random.js';
import { resizeBilinear, toLuma } from '../src/image/index.js';
import { buildInference, type PosterV2Config, posterV2Network } from '../src/models/index.js';
import { initialize } from '../src/nn/index.js';
import { saveModel } from '../src/node/checkpoints/index.js';
import { convert } from '../src/node/convert/index.js';
import { decodePicture } from '../src/node/decode/index.js';
import { bundledCheckpoint } from '../src/node/host/bundled-weights.js';
import { tinyConfig } from '../src/recognize/helpers.test.js';
import { type Classifier, loadClassifier, loadPicture, predict } from '../src/recognize/index.js';
import type { ModelCheckpoint } from '../src/safetensors/index.js';

// The folders that `poster convert` makes, in the library that they are made for.
const dir = await mkdtemp(join(tmpdir(), 'poster-hugging-face-'));
const { allowRemoteModels, useFSCache } = env;
Object.assign(env, { allowRemoteModels: false, useFSCache: false });
after(async () => {
  Object.assign(env, { allowRemoteModels, useFSCache });
  await rm(dir, { recursive: true, force: true });
});

const portrait = fileURLToPath(new URL('../../assets/astronaut-face.png', import.meta.url));
const path = (name: string): string => join(dir, name);

/** The portrait at another size, resized as here, and gray where asked for. */
async function writePortrait(name: string, size: number, gray: boolean): Promise<string> {
  const picture = resizeBilinear(await decodePicture(portrait), size, size);
  const { data, channels } = gray ? toLuma(picture) : picture;
  await sharp(data, { raw: { width: size, height: size, channels } })
    .png()
    .toFile(path(name));
  return path(name);
}

/** Largest difference of the scores that transformers.js and we give a picture. */
async function difference(folder: string, classifier: Classifier, picture: string): Promise<number> {
  const run = await pipeline('image-classification', folder);
  const theirs = await run(picture, { top_k: classifier.labels.labels.length });
  await run.dispose();
  const [ours = []] = await predict(classifier, [picture]);
  assert.equal(theirs.length, ours.length);
  assert.equal(theirs[0]?.label, ours[0]?.label);
  const scores = new Map(theirs.map(({ label, score }) => [label, score]));
  return Math.max(...ours.map(({ label, probability }) => Math.abs(probability - (scores.get(label) ?? Number.NaN))));
}

describe('the bundled network, which takes gray pictures', () => {
  let classifier: Classifier;
  before(async () => {
    await convert(bundledCheckpoint(), path('nano/'));
    classifier = await loadClassifier(bundledCheckpoint());
  });
  after(() => classifier.dispose());

  it('scores gray pictures of its own size exactly as we do', async () => {
    const gray = await writePortrait('gray-48.png', 48, true);
    assert.ok((await difference(path('nano'), classifier, gray)) < 1e-5);
  });

  it('scores coloured ones exactly so: the graph rounds gray to 8 bits as we do', async () => {
    const colour = await writePortrait('colour-48.png', 48, false);
    assert.ok((await difference(path('nano'), classifier, colour)) < 1e-5);
  });

  it('scores larger ones alike: transformers.js does not smooth where it shrinks a picture', async () => {
    assert.ok((await difference(path('nano'), classifier, portrait)) < 5e-3);
  });

  it('takes batches, gives the logits that we give', async () => {
    const n = 3;
    const { mean, std } = classifier.preprocessing;
    const normalised = (byte: number): number => (byte / 255 - (mean[0] ?? 0)) / (std[0] ?? 1);
    const gray = Float32Array.from({ length: n * 48 * 48 }, (_, i) => normalised(random(1, i).int(256)));
    const rgb = new Float32Array(3 * gray.length);
    for (let i = 0; i < 3 * n; i++) {
      const from = Math.floor(i / 3) * 48 * 48;
      rgb.set(gray.subarray(from, from + 48 * 48), i * 48 * 48);
    }
    const model = await AutoModel.from_pretrained(path('nano'));
    const { logits } = await model({ pixel_values: new Tensor('float32', rgb, [n, 3, 48, 48]) });
    await model.dispose();
    assert.ok(logits instanceof Tensor);
    assert.deepEqual(logits.dims, [n, 8]);
    const { logits: ours } = await classifier.classify(gray, n);
    assertClose(Float32Array.from(logits.data, Number), ours, 1e-4);
  });
});

const rgbConfig: PosterV2Config = { ...tinyConfig, imageSize: 32, inputChannels: 3 };

describe('a network that takes colour', () => {
  const preprocessing = {
    imageSize: 32,
    channels: 3,
    mean: [0.485, 0.456, 0.406],
    std: [0.229, 0.224, 0.225],
  } as const;
  let classifier: Classifier;
  before(async () => {
    const { parameters } = buildInference(posterV2Network(rgbConfig));
    const checkpoint: ModelCheckpoint = {
      model: { name: 'tiny', config: { ...rgbConfig } },
      labels: { name: 'three', labels: ['happy', 'neutral', 'Überraschung'] },
      preprocessing,
      parameters: new Map(
        [...parameters].map(([name, spec]) => [
          name,
          { shape: spec.shape, data: initialize(spec, random(5, 'init', name)).map((value) => 3 * value) },
        ]),
      ),
    };
    await saveModel(path('tiny.safetensors'), checkpoint);
    await convert(path('tiny.safetensors'), path('tiny/'), { opset: 17 });
    classifier = await loadClassifier(path('tiny.safetensors'));
  });
  after(() => classifier.dispose());

  it('has pictures prepared as here', async () => {
    const picture = await writePortrait('colour-32.png', 32, false);
    const processor = await AutoProcessor.from_pretrained(path('tiny'), {});
    const { pixel_values: theirs } = await processor(await RawImage.read(picture));
    assert.ok(theirs instanceof Tensor);
    assert.deepEqual(theirs.dims, [1, 3, 32, 32]);
    assertClose(Float32Array.from(theirs.data, Number), await loadPicture(picture, preprocessing), 1e-5);
  });

  it('gives the same scores', async () => {
    const picture = await writePortrait('colour-32.png', 32, false);
    assert.ok((await difference(path('tiny'), classifier, picture)) < 1e-5);
  });
});

function assertClose(actual: Float32Array, expected: Float32Array, tolerance: number): void {
  assert.equal(actual.length, expected.length);
  const worst = Math.max(...expected.map((value, i) => Math.abs(value - (actual[i] ?? Number.NaN))));
  assert.ok(worst < tolerance, `they differ by ${worst}`);
}
