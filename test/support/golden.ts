import assert from 'node:assert/strict';
import * as ort from 'onnxruntime-node';
import { elements, fixedShape, type Graph, graph, parametersOf } from '../../src/graph/index.js';
import { type BuildOptions, buildForward, type ConfiguredNetwork } from '../../src/models/index.js';
import { writeOnnx } from '../../src/onnx/index.js';
import { lower } from '../../src/passes/index.js';
import { fill, images } from './fill.js';
import { type Summary, summarize } from './fixtures.js';

/** What PyTorch gives in float64 for weights and pictures of the fill rule. */
export interface ForwardGolden {
  readonly logits: readonly (readonly number[])[];
  readonly taps: Readonly<Record<string, Summary & { readonly shape: readonly number[] }>>;
}

/** Runs a graph of a network with the weights and pictures of the fill rule. */
export async function execute(
  program: Graph,
  { config: { imageSize, inputChannels } }: ConfiguredNetwork,
  batch: number,
): Promise<ort.InferenceSession.ReturnType> {
  const session = await ort.InferenceSession.create(writeOnnx(lower(program, 'cpu')));
  const shape = [batch, inputChannels, imageSize, imageSize];
  const feeds: Record<string, ort.Tensor> = {
    pixel_values: new ort.Tensor('float32', images(batch, imageSize, inputChannels), shape),
  };
  for (const [name, value] of parametersOf(program.outputs.values())) {
    const dims = fixedShape(value);
    feeds[name] = new ort.Tensor('float32', fill(name, dims), dims);
  }
  const results = await session.run(feeds);
  await session.release();
  return results;
}

/** Largest difference, relative to the size of the values where that is above 1. */
export function distance(actual: readonly number[], expected: readonly number[]): number {
  assert.equal(actual.length, expected.length);
  return Math.max(
    ...expected.map((value, i) => Math.abs(value - (actual[i] ?? Number.NaN)) / Math.max(1, Math.abs(value))),
  );
}

interface ForwardCheck {
  /** What the network calls an activation of the file; default: the same. */
  readonly tapOf?: (name: string) => string;
  readonly build?: BuildOptions;
  /** Single values of an activation relative to the size of its values, where that is above 1: of sums of many blocks. */
  readonly bySize?: boolean;
}

/**
 * Logits within 1e-4, and activations: their shapes, norms within 1e-5 and sums and single values within 1e-4.
 */
export async function checkForward(
  network: ConfiguredNetwork,
  golden: ForwardGolden,
  { tapOf = (name) => name, build = {}, bySize = false }: ForwardCheck = {},
): Promise<void> {
  const { logits: last, scope } = buildForward(network, 'inference', build);
  const outputs = Object.keys(golden.taps).map((name) => {
    const value = scope.taps.get(tapOf(name));
    assert.ok(value, `the network has no activation called ${tapOf(name)}`);
    return [name, value] as const;
  });
  const results = await execute(graph(new Map([...outputs, ['logits', last]])), network, golden.logits.length);
  const { logits } = results;
  assert.ok(logits && distance([...(logits.data as Float32Array)], golden.logits.flat()) < 1e-4);
  for (const [name, expected] of Object.entries(golden.taps)) {
    const tap = results[name];
    assert.ok(tap);
    assert.deepEqual(tap.dims, expected.shape, name);
    const actual = summarize(tap.data as Float32Array);
    assert.ok(Math.abs(actual.norm / expected.norm - 1) < 1e-5, `norm of ${name}`);
    assert.ok(Math.abs(actual.sum - expected.sum) < 1e-4 * expected.norm, `sum of ${name}`);
    const size = bySize ? Math.max(1, expected.norm / Math.sqrt(elements(expected.shape))) : 1;
    const scaled = (values: readonly number[]): number[] => values.map((value) => value / size);
    const single = ({ first, last }: Summary): number[] => scaled([...first, ...last]);
    assert.ok(distance(single(actual), single(expected)) < 1e-4, name);
  }
}
