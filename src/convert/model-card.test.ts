import assert from 'node:assert/strict';
import { test } from 'node:test';
import { modelNamed } from '../models/index.js';
import type { ModelDescription } from '../safetensors/index.js';
import { cardMark, modelCard } from './model-card.js';

const { network, preprocessing } = modelNamed('poster-v2-nano');
const description: ModelDescription = {
  model: { name: 'poster-v2-nano', config: network.config },
  labels: { name: 'mine', labels: ['happy', 'a|b <script> *c*'] },
  preprocessing,
};
const training: NonNullable<ModelDescription['training']> = {
  command: 'poster train',
  seed: 0,
  epoch: 12,
  metrics: { accuracy: 0.8713, meanClassAccuracy: 0.7, loss: 0.5 },
  dataset: 'faces: "valid"',
  versions: {},
};

test('a card says what the checkpoint says, and nothing that it does not', () => {
  const known = modelCard({ ...description, training }, network.family);
  const [, front = ''] = /^---\n(.*?)\n---\n/s.exec(known) ?? [];
  for (const line of ['library_name: transformers.js', 'pipeline_tag: image-classification', 'license: other']) {
    assert.ok(front.split('\n').includes(line), line);
  }
  assert.match(front, /model-index:[\s\S]*name: "faces: \\"valid\\""[\s\S]*type: accuracy\n.*\n +value: 0\.8713/);
  assert.match(known, /\| Accuracy \| 87\.13% \|/);
  assert.match(known, /after epoch 12, on faces: "valid"/);
  assert.doesNotMatch(known, /loss/);
  assert.ok(known.includes(cardMark));
  const unknown = modelCard(description, network.family);
  assert.doesNotMatch(unknown, /model-index|%/);
  assert.match(unknown, /does not say how well it does/);
});

test('names from outside stay text', () => {
  assert.match(modelCard(description, network.family), /\| 1 \| a\\\|b \\<script\\> \\\*c\\\* \|/);
});
