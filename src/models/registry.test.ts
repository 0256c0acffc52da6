import assert from 'node:assert/strict';
import { test } from 'node:test';
import { posterV2NanoConfig } from './poster-v2/poster-v2-config.js';
import { modelNamed, modelNames, networkFamilies, parseNetwork } from './registry.js';

test('the name of a checkpoint decides what its configuration must be', () => {
  const nano = { name: 'poster-v2-nano', config: posterV2NanoConfig };
  assert.equal(parseNetwork(nano, 'x').family.title, 'POSTER V2');
  assert.throws(
    () => parseNetwork({ ...nano, name: 'resnet8' }, 'x'),
    /^UserError: x does not have the expected content/,
  );
  // Early files could have any name.
  assert.equal(parseNetwork({ ...nano, name: 'mine' }, 'x').family.title, 'POSTER V2');
  assert.throws(() => parseNetwork({ name: 'mine', config: {} }, 'x'), /^UserError: x does not have the expected/);
});

test('a network for a number of classes that none can have is a sentence', () => {
  const { network } = modelNamed('resnet8');
  assert.equal(network.withClasses(3).config.numClasses, 3);
  for (const count of [0, 1, 2.5, 1001, Number.NaN]) {
    const wrong = {
      name: 'UserError',
      kind: 'usage',
      message: /cannot have .* classes; give a whole number from 2 to 1000/,
    };
    assert.throws(() => network.withClasses(count), wrong);
    assert.throws(() => network.family.withOptions('resnet8', count, {}), wrong);
  }
});

test('names of variants, and of options with their form, do not clash', () => {
  assert.equal(new Set(modelNames).size, modelNames.length);
  assert.throws(
    () => modelNamed('vgg'),
    /There is no model called 'vgg': choose one of arm, .*poster-v2, poster-v2-nano, resnet8/,
  );
  const forms = new Map<string, string>();
  for (const { key, form } of networkFamilies.flatMap(({ options }) => options)) {
    assert.equal(forms.get(key) ?? form, form, key);
    forms.set(key, form);
  }
});
