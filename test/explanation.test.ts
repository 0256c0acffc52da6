import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { before, describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import { type ClassTokenAttention, classTokenAttention, type TokenWeights } from '../src/explain/attention-maps.js';
import { elements } from '../src/graph/index.js';
import { buildExplanation, explained, posterV2Config, posterV2Network } from '../src/models/index.js';
import { lower } from '../src/passes/index.js';
import { CpuSession, floats, type HostTensor, hostTensor } from '../src/runtime/index.js';
import { fill, images } from './support/fill.js';
import { fixture, readFixture, summarize } from './support/fixtures.js';

// Each map as a summary (the fixture) or in full (PyTorch run now).
const map = z.union([
  z.object({
    shape: z.array(z.number()),
    sum: z.number(),
    norm: z.number(),
    first: z.array(z.number()),
    last: z.array(z.number()),
  }),
  z.object({ shape: z.array(z.number()), values: z.array(z.number()) }),
]);
const schema = z
  .object({ target: z.int(), logits: z.array(z.number()), maps: z.record(z.string(), map) })
  .catchall(z.number());
type Expected = z.infer<typeof schema>;

function assertClose(actual: ArrayLike<number>, expected: readonly number[], tolerance: number, name: string): void {
  assert.equal(actual.length, expected.length, name);
  expected.forEach((value, i) => {
    const result = actual[i] ?? Number.NaN;
    assert.ok(Math.abs(result - value) <= tolerance, `${name}[${i}] is ${result}, not ${value}`);
  });
}

const length = (values: readonly number[]): number => Math.sqrt(values.reduce((sum, value) => sum + value * value, 0));

function row({ itself, scales }: TokenWeights): Float32Array {
  return Float32Array.from([itself, ...scales.flatMap(({ values }) => [...values])]);
}

describe('what POSTER V2 attends to, against PyTorch in float64', () => {
  let outputs = new Map<string, HostTensor>();
  let classToken: ClassTokenAttention | undefined;

  before(async () => {
    const built = buildExplanation(posterV2Network(posterV2Config));
    const session = await CpuSession.create(lower(built.graph, 'cpu'));
    const feeds = new Map<string, HostTensor>([
      ['pixel_values', hostTensor('float32', images(1), [1, 3, 224, 224])],
      [explained.classWeights, hostTensor('float32', Float32Array.of(0, 0, 0, 1, 0, 0, 0), [1, 7])],
    ]);
    for (const { name, shape } of built.parameters.values()) {
      feeds.set(name, hostTensor('float32', fill(name, shape), shape));
    }
    outputs = await session.run(feeds);
    await session.dispose();
    assert.ok(built.classToken);
    classToken = classTokenAttention((name) => floats(outputs.get(name)), built.classToken, built.scales.length);
  });

  function compare(expected: Expected): void {
    assert.ok(classToken);
    assertClose(floats(outputs.get('logits')), expected.logits, 1e-4, 'logits');
    const { attention, rollout, relevance } = classToken;
    const derived = new Map(Object.entries({ attention, rollout, relevance }).map(([name, t]) => [name, row(t)]));
    assert.equal(Object.keys(expected.maps).length, 11);
    for (const [name, wanted] of Object.entries(expected.maps)) {
      const values = derived.get(name) ?? floats(outputs.get(name));
      assert.equal(values.length, elements(wanted.shape), name);
      if ('values' in wanted) {
        assertClose(values, wanted.values, 1e-5, name);
        // Attention over hundreds of places is small everywhere: it must also be close for its size.
        const error = length(wanted.values.map((value, i) => value - (values[i] ?? 0)));
        assert.ok(error < 1e-4 * length(wanted.values), `${name} differs by ${error}`);
      } else {
        const { sum, norm, first, last } = summarize(values);
        assert.ok(Math.abs(norm / wanted.norm - 1) < 1e-4, `norm of ${name}`);
        assertClose([sum, ...first, ...last], [wanted.sum, ...wanted.first, ...wanted.last], 1e-5, name);
      }
    }
    for (const scale of posterV2Config.scales) {
      const name = explained.share(scale);
      assertClose(floats(outputs.get(name)), [expected[name] ?? Number.NaN], 1e-5, name);
    }
  }

  it('as recorded', () => compare(schema.parse(readFixture('explanation.json'))));

  const { POSTER_TEST_PYTHON: python, POSTER_TEST_REFERENCE: reference } = process.env;
  const skip = python === undefined || reference === undefined;
  it('value by value', { skip: skip && 'set POSTER_TEST_PYTHON and POSTER_TEST_REFERENCE to run PyTorch' }, () => {
    const args = [fileURLToPath(fixture('make_explanation.py')), reference ?? '', '--full'];
    const text = execFileSync(python ?? '', args, { encoding: 'utf8', maxBuffer: 64 * 2 ** 20 });
    compare(schema.parse(JSON.parse(text)));
  });
});
