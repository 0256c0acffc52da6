import assert from 'node:assert/strict';
import { test } from 'node:test';
import { affectnet8, rafdb } from '../../common/label-sets.js';
import { buildForward, buildInference } from '../build.js';
import { describeUndescribed, identifyModel } from '../identify.js';
import { profile } from '../profile.js';
import { modelNamed } from '../registry.js';

for (const [name, backboneMacs, parameters] of [
  ['ir50', 5_467_979_776, 17_613_767],
  ['mobilefacenet', 220_874_752, 914_823],
] as const) {
  test(`${name} alone is what POSTER has of it, and a head`, () => {
    const { network } = modelNamed(name);
    const counted = profile(network);
    assert.equal(counted.macs.parts.get('backbone'), backboneMacs);
    assert.equal(counted.parameters.reachingLogits, parameters);
    const shapes = new Map([...buildInference(network).parameters.values()].map((spec) => [spec.name, spec.shape]));
    assert.equal(identifyModel(shapes)?.name, name);
    assert.equal(describeUndescribed('x.pth', shapes, { labels: rafdb }).model.name, name);
    assert.throws(() => describeUndescribed('x.pth', shapes, { labels: affectnet8 }), /x\.pth has 7 outputs/);
    // What a file of the backbone alone holds begins the part of that name.
    const [part] = network.family.parts;
    assert.ok(part && [...shapes.keys()].every((one) => one.startsWith(part.prefix) || one.startsWith('fc.')));
  });

  test(`${name}-nano trains all that it has`, () => {
    const { scope, logits } = buildForward(modelNamed(`${name}-nano`).network, 'training');
    assert.deepEqual(logits.shape, ['N', 8]);
    const weights = [...scope.parameters.values()].filter(({ role }) => role === 'weight');
    assert.ok(weights.every(({ trained }) => trained));
  });
}
