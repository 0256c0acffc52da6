import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as ort from 'onnxruntime-node';
import { elements, type Graph, graph, input, print, type Tensor } from '../graph/index.js';
import { writeOnnx } from '../onnx/index.js';
import { add, mul } from '../ops/index.js';
import { lower } from '../passes/index.js';
import {
  attention,
  batchNorm,
  createScope,
  type Initializer,
  initialize,
  nearest,
  ones,
  type Scope,
  scaledBranch,
  statisticDecay,
  windowCrossAttention,
  zeros,
} from './index.js';

/** Numbers that look random and are the same every time. */
function noise(count: number, seed = 1): Float32Array {
  return Float32Array.from({ length: count }, (_, i) => Math.sin((i + 1) * 12.9898 * seed) * 1.5);
}

async function run(
  program: Graph,
  values: Readonly<Record<string, readonly [Float32Array, readonly number[]]>>,
): Promise<Record<string, number[]>> {
  const session = await ort.InferenceSession.create(writeOnnx(lower(program, 'cpu')));
  const feeds = Object.entries(values).map(([name, [data, shape]]) => [name, new ort.Tensor('float32', data, shape)]);
  const results = await session.run(Object.fromEntries(feeds));
  await session.release();
  return Object.fromEntries(Object.entries(results).map(([name, { data }]) => [name, [...(data as Float32Array)]]));
}

/** Runs one layer on x with parameters from `noise`, and returns what it used. */
async function layer(
  x: readonly [Float32Array, readonly number[]],
  build: (scope: Scope, x: Tensor) => Tensor,
): Promise<{ readonly y: number[]; readonly values: ReadonlyMap<string, Float32Array> }> {
  const scope = createScope({ mode: 'inference' });
  const y = build(scope, input('x', 'float32', ['N', ...x[1].slice(1)]));
  const values = new Map(
    [...scope.parameters.values()].map((spec, i) => [spec.name, noise(elements(spec.shape), i + 2)]),
  );
  const feeds = [...scope.parameters.values()].map(({ name, shape }) => [name, [values.get(name), shape]]);
  const results = await run(graph({ y }), { x, ...Object.fromEntries(feeds) });
  return { y: results['y'] ?? [], values };
}

function close(actual: readonly number[], expected: ArrayLike<number>, tolerance = 1e-5): void {
  assert.equal(actual.length, expected.length);
  actual.forEach((value, i) => {
    assert.ok(Math.abs(value - (expected[i] ?? Number.NaN)) <= tolerance, `element ${i}: ${value}, not ${expected[i]}`);
  });
}

/** New running statistics as outputs; a parameter's name is taken by its old value. */
function moved(scope: Scope): Record<string, Tensor> {
  const next = (name: string, added: Tensor): Tensor =>
    add(mul(scope.leaves.get(name) as Tensor, statisticDecay), added);
  return Object.fromEntries([...scope.updates].map(([name, added]) => [`moved ${name}`, next(name, added)]));
}

/** softmax(scale q k^T + bias) v for one head, on rows. */
function attendPlainly(
  q: number[][],
  k: number[][],
  v: number[][],
  bias: (i: number, j: number) => number = () => 0,
): number[][] {
  const dot = (a: readonly number[], b: readonly number[]): number =>
    a.reduce((s, value, i) => s + value * (b[i] ?? 0), 0);
  return q.map((row, i) => {
    const weights = k.map((other, j) => Math.exp(dot(row, other) / Math.sqrt(row.length) + bias(i, j)));
    const total = weights.reduce((a, b) => a + b, 0);
    return row.map((_, c) => weights.reduce((s, weight, j) => s + ((weight ?? 0) / total) * (v[j]?.[c] ?? 0), 0));
  });
}

/** x W^T + b by rows; `from` is the first row of W. */
function project(x: number[][], weight: Float32Array, bias: Float32Array, from: number, to: number): number[][] {
  const inputs = x[0]?.length ?? 0;
  return x.map((row) =>
    Array.from({ length: to - from }, (_, o) =>
      row.reduce((s, value, i) => s + value * (weight[(from + o) * inputs + i] ?? 0), bias[from + o] ?? 0),
    ),
  );
}

const get = (values: ReadonlyMap<string, Float32Array>, name: string): Float32Array => {
  const value = values.get(name);
  assert.ok(value, name);
  return value;
};

describe('Scope', () => {
  it('prefixes names, shares leaves and marks what is trained', () => {
    const scope = createScope({ mode: 'training' });
    const leaf = scope.at('a').at(0).parameter('weight', [2], ones);
    assert.equal(scope.at('a').at(0).parameter('weight', [2], ones), leaf);
    assert.throws(
      () => scope.at('a').at(0).parameter('weight', [3], ones),
      /a\.0\.weight is declared as \[2\] and as \[3\]/,
    );
    scope.at('b').frozen('as-published').at('c').parameter('weight', [1], zeros);
    scope.buffer('running_mean', [1], zeros);
    const trained = [...scope.parameters.values()].map(({ name, role, trained }) => `${name} ${role} ${trained}`);
    assert.deepEqual(trained, ['a.0.weight weight true', 'b.c.weight weight false', 'running_mean buffer false']);
  });

  it('says where BatchNorm takes its statistics', () => {
    const training = createScope({ mode: 'training' });
    assert.equal(training.at('x').statistics, 'batch');
    assert.equal(training.frozen('frozen').at('x').statistics, 'running');
    assert.equal(training.frozen('as-published').at('x').statistics, 'batch');
    assert.equal(createScope({ mode: 'inference' }).frozen('as-published').statistics, 'running');
  });

  it('moves nothing where names begin as it was told', () => {
    const scope = createScope({ mode: 'training', frozen: ['a.', 'b.1'] });
    const last = scope.at('b').at(10).at('c');
    for (const one of [
      scope.at('a'),
      scope.at('a').frozen('as-published'),
      scope.at('ab'),
      scope.at('b').at(0),
      last,
    ]) {
      one.parameter('weight', [1], zeros);
    }
    const trained = [...scope.parameters.values()].map(({ name, trained }) => `${name} ${trained}`);
    assert.deepEqual(trained, ['a.weight false', 'ab.weight true', 'b.0.weight true', 'b.10.c.weight false']);
    assert.equal(scope.at('a').frozen('as-published').statistics, 'running');
    assert.equal(last.statistics, 'running');
    assert.equal(scope.at('ab').statistics, 'batch');
  });
});

describe('batchNorm', () => {
  it('moves the running statistics as PyTorch does', async () => {
    const scope = createScope({ mode: 'training' });
    const y = batchNorm(scope.at('bn'), input('x', 'float32', ['N', 2, 2, 1]));
    const x = Float32Array.of(1, 3, 10, 20, 5, 7, 30, 40);
    const results = await run(graph({ y, ...moved(scope) }), {
      x: [x, [2, 2, 2, 1]],
      'bn.weight': [Float32Array.of(1, 1), [2]],
      'bn.bias': [Float32Array.of(0, 0), [2]],
      'bn.running_mean': [Float32Array.of(0, 1), [2]],
      'bn.running_var': [Float32Array.of(1, 2), [2]],
    });
    // Channel 0 is 1 3 5 7: mean 4, variance 20 / 3; channel 1 is 10 20 30 40: mean 25, variance 500 / 3.
    close(results['moved bn.running_mean'] ?? [], [0.4, 3.4]);
    close(results['moved bn.running_var'] ?? [], [0.9 + 2 / 3, 1.8 + 50 / 3]);
    close((results['y'] ?? []).slice(0, 2), [-3 / Math.sqrt(5), -1 / Math.sqrt(5)]);
  });

  it('keeps a batch with one sample a channel finite', async () => {
    const scope = createScope({ mode: 'training' });
    batchNorm(scope, input('x', 'float32', ['N', 1, 1, 1]));
    const one: readonly [Float32Array, readonly number[]] = [Float32Array.of(1), [1]];
    const results = await run(graph(moved(scope)), {
      x: [Float32Array.of(5), [1, 1, 1, 1]],
      weight: one,
      bias: one,
      running_mean: one,
      running_var: one,
    });
    close(results['moved running_mean'] ?? [], [1.4]);
    close(results['moved running_var'] ?? [], [0.9]);
  });
});

describe('attention', () => {
  const x = noise(2 * 5 * 6);
  const rows = (n: number, tokens: number, width: number, data: ArrayLike<number>): number[][] =>
    Array.from({ length: tokens }, (_, t) =>
      Array.from({ length: width }, (_, c) => data[(n * tokens + t) * width + c] ?? Number.NaN),
    );

  it('is what its formula says, for all tokens and for one', async () => {
    const all = await layer([x, [2, 5, 6]], (scope, t) => attention(scope, t, t, { heads: 2 }));
    const [weight, bias] = [get(all.values, 'qkv.weight'), get(all.values, 'qkv.bias')];
    const expected = [0, 1].flatMap((n) => {
      const own = rows(n, 5, 6, x);
      const heads = [0, 1].map((h) => {
        const part = (i: number): number[][] => project(own, weight, bias, i * 6 + h * 3, i * 6 + h * 3 + 3);
        return attendPlainly(part(0), part(1), part(2));
      });
      const joined = own.map((_, t) => heads.flatMap((head) => head[t] ?? []));
      return project(joined, get(all.values, 'proj.weight'), get(all.values, 'proj.bias'), 0, 6).flat();
    });
    close(all.y, expected, 1e-4);
  });

  it('crosses windows with the averaged landmark map', async () => {
    // A 4x4 map in windows of 2 with 2 heads of 1 channel; the image is the tensor, the landmarks another.
    const [side, window, channels] = [4, 2, 2];
    const landmark = noise(2 * channels * side * side, 7);
    const scope = createScope({ mode: 'inference' });
    const y = windowCrossAttention(
      scope,
      input('x', 'float32', ['N', side * side, channels]),
      input('landmark', 'float32', ['N', channels, side, side]),
      { heads: 2, window },
    );
    const specs = [...scope.parameters.values()];
    const values = new Map(specs.map((spec, i) => [spec.name, noise(elements(spec.shape), i + 3)]));
    const image = noise(2 * side * side * channels);
    const results = await run(graph({ y }), {
      x: [image, [2, side * side, channels]],
      landmark: [landmark, [2, channels, side, side]],
      ...Object.fromEntries(specs.map((spec) => [spec.name, [get(values, spec.name), spec.shape]])),
    });
    const [weight, bias] = [get(values, 'qkv.weight'), get(values, 'qkv.bias')];
    const table = get(values, 'relative_position_bias_table');
    const expected = new Array<number>(2 * side * side * channels);
    for (const n of [0, 1]) {
      const tokens = rows(n, side * side, channels, image);
      for (const [wy, wx] of [
        [0, 0],
        [0, 1],
        [1, 0],
        [1, 1],
      ] as const) {
        const indices = [0, 1, 2, 3].map((i) => (wy * 2 + (i >> 1)) * side + wx * 2 + (i & 1));
        const own = indices.map((index) => tokens[index] ?? []);
        const heads = [0, 1].map((h) => {
          const q = [0, 1, 2, 3].map((i) => {
            const at = (r: number, c: number): number => landmark[((n * channels + h) * side + r) * side + c] ?? 0;
            const [r, c] = [(i >> 1) * 2, (i & 1) * 2];
            return [(at(r, c) + at(r, c + 1) + at(r + 1, c) + at(r + 1, c + 1)) / 4];
          });
          const k = project(own, weight, bias, h, h + 1);
          const v = project(own, weight, bias, channels + h, channels + h + 1);
          const offset = (i: number, j: number): number => ((i >> 1) - (j >> 1) + 1) * 3 + (i & 1) - (j & 1) + 1;
          return attendPlainly(q, k, v, (i, j) => table[offset(i, j) * 2 + h] ?? 0);
        });
        const joined = own.map((_, t) => heads.flatMap((head) => head[t] ?? []));
        const projected = project(joined, get(values, 'proj.weight'), get(values, 'proj.bias'), 0, channels);
        projected.forEach((row, i) => {
          for (const [c, value] of row.entries()) {
            expected[(n * side * side + (indices[i] ?? 0)) * channels + c] = value;
          }
        });
      }
    }
    close(results['y'] ?? [], expected, 1e-4);
  });

  it('refuses windows that do not divide the map', () => {
    const scope = createScope({ mode: 'inference' });
    const tokens = input('x', 'float32', ['N', 36, 4]);
    assert.throws(
      () => windowCrossAttention(scope, tokens, undefined, { heads: 2, window: 4 }),
      /windows of 4 do not divide/,
    );
  });
});

describe('nearest', () => {
  it('takes every second pixel', async () => {
    const x = Float32Array.from({ length: 16 }, (_, i) => i);
    const { y } = await layer([x, [1, 1, 4, 4]], (_, t) => nearest(t, 2));
    assert.deepEqual(y, [0, 2, 8, 10]);
    assert.throws(() => nearest(input('x', 'float32', ['N', 1, 4, 4]), 3), /no multiple of 3/);
  });
});

describe('scaledBranch', () => {
  it('asks for a mask only in training and with a rate', () => {
    for (const [mode, rate, masks, frozen = []] of [
      ['training', 0.5, 1],
      ['training', 0, 0],
      ['inference', 0.5, 0],
      // What is frozen computes what it computes in evaluation.
      ['training', 0.5, 0, ['ffn.']],
    ] as const) {
      const scope = createScope({ mode, frozen });
      scaledBranch(scope.at('ffn'), 'mlp', input('x', 'float32', ['N', 3, 2]), scope.parameter('g', [2], ones), rate);
      assert.equal(scope.masks.size, masks);
    }
    const scope = createScope({ mode: 'training' });
    const x = input('x', 'float32', ['N', 3, 2]);
    const y = scaledBranch(scope.at('ffn'), 'mlp', x, scope.parameter('gamma', [2], ones), 0.25);
    assert.equal(scope.masks.get('mask/ffn.mlp')?.rate, 0.25);
    assert.match(print(graph({ y })), /Mul\(mask\/ffn\.mlp, gamma\) : float32\[N, 1, 2\]/);
  });
});

describe('initialize', () => {
  const random = (seed: number) => {
    let state = seed;
    const next = (): number => {
      state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
      return state / 2 ** 32;
    };
    return { next, normal: () => Math.sqrt(-2 * Math.log(1 - next())) * Math.cos(2 * Math.PI * next()) };
  };
  const cases: readonly [Initializer, number, number][] = [
    [{ kind: 'constant', value: 3 }, 3, 0],
    [{ kind: 'uniform', bound: 0.5 }, 0.5, 0.5 / Math.sqrt(3)],
    [{ kind: 'kaiming-uniform' }, 1 / Math.sqrt(18), 1 / Math.sqrt(54)],
    [{ kind: 'xavier-uniform' }, Math.sqrt(6 / (18 + 1800)), Math.sqrt(2 / 1818)],
    [{ kind: 'truncated-normal', std: 0.02 }, 0.04, 0.02 * 0.8796],
  ];
  for (const [init, bound, std] of cases) {
    it(`keeps the range and the spread of ${init.kind}`, () => {
      const data = initialize({ shape: [200, 2, 3, 3], init }, random(7));
      const mean = data.reduce((a, b) => a + b, 0) / data.length;
      const spread = Math.sqrt(data.reduce((a, b) => a + (b - mean) ** 2, 0) / data.length);
      assert.ok(data.every((value) => Math.abs(value) <= bound * (1 + 1e-6)));
      assert.ok(Math.abs(spread - std) <= 0.06 * std, `${spread}`);
      assert.ok(std === 0 || Math.max(...data) > 0.9 * bound);
    });
  }
});
