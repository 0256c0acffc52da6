// Layers run row by row, each row of a map as soon as the rows that it reads are there. A map then has only the rows that are still to be
// read, which stay in the cache, where whole maps of a large picture would be read from memory again and again.

import { entryOf, itemAt } from '../common/item-at.js';
import type { Layer } from './layers.js';
import { patchChannels, patchInputs, vector } from './pack.js';
import { UnsupportedError } from './unsupported.js';

export interface MapSize {
  readonly channels: number;
  readonly height: number;
  readonly width: number;
}

/** The rows of a map that one row of a layer's output reads, both included; those beyond the map are not there. */
export interface Reach {
  readonly map: string;
  first(row: number): number;
  last(row: number): number;
}

/** What a layer reads. */
export function reaches(layer: Layer): readonly Reach[] {
  const { input } = layer;
  if (layer.kind === 'pool') return [{ map: input, first: (row) => 2 * row, last: (row) => 2 * row + 1 }];
  if (layer.kind === 'enlarged-sum') {
    const near = (row: number): number => Math.floor((row - 1) / 2);
    return [{ map: input, first: near, last: (row) => near(row) + 1 }, same(layer.other)];
  }
  const others = layer.residual === undefined ? [] : [same(layer.residual)];
  const { reading } = layer;
  if (reading.kind === 'pixel') return [same(input), ...others];
  const top = (row: number): number => (reading.stride === 1 ? row - 1 : 2 * row);
  return [{ map: input, first: top, last: (row) => top(row) + 2 }, ...others];
}

const same = (map: string): Reach => ({ map, first: (row) => row, last: (row) => row });

/**
 * Sizes of all maps, by their names.
 * @throws UnsupportedError where layers do not fit each other.
 */
export function mapSizes(layers: readonly Layer[], input: string, size: MapSize): Map<string, MapSize> {
  const sizes = new Map([[input, size]]);
  const channelsOf = (map: string): number => {
    const found = sizes.get(map);
    if (found === undefined) throw new UnsupportedError(`${map} is read before it is made`);
    return found.channels;
  };
  for (const layer of layers) {
    const channels = channelsOf(layer.input);
    const { height, width } = entryOf(sizes, layer.input);
    sizes.set(layer.output, {
      channels: outputChannels(layer, channels, channelsOf),
      height: height * scaleOf(layer),
      width: width * scaleOf(layer),
    });
  }
  return sizes;
}

function outputChannels(layer: Layer, channels: number, channelsOf: (map: string) => number): number {
  const fits = (is: number, should: number): void => {
    if (is !== should) throw new UnsupportedError(`${is} channels instead of ${should}`);
  };
  if (layer.kind !== 'convolution') {
    fits(channels % vector, 0);
    if (layer.kind === 'enlarged-sum') fits(channelsOf(layer.other), channels);
    return channels;
  }
  const { reading, products, residual } = layer;
  if (reading.kind === 'depthwise') fits(channels, reading.channels);
  if (reading.kind === 'patch') fits(channels, patchChannels);
  for (const { inputs } of products) fits(inputs, reading.kind === 'patch' ? patchInputs : channels);
  if (residual !== undefined) fits(channelsOf(residual), products[0].channels);
  return products.reduce((sum, product) => sum + product.channels, 0);
}

function scaleOf(layer: Layer): number {
  if (layer.kind === 'pool') return 0.5;
  if (layer.kind === 'enlarged-sum') return 2;
  return layer.reading.kind === 'pixel' ? 1 : 1 / layer.reading.stride;
}

export interface Schedule {
  /** Indices of layers: the next row of each is made. -1: the next row of the input is read. */
  readonly order: Int16Array;
  /** Rows of each map that memory must hold: row y lies at y % rows. Outputs are held whole. */
  readonly held: ReadonlyMap<string, number>;
}

/** The order in which rows are made, from the last layers' demand. */
export function scheduleOf(
  layers: readonly Layer[],
  input: string,
  outputs: readonly string[],
  sizes: ReadonlyMap<string, MapSize>,
): Schedule {
  const order: number[] = [];
  const makers = new Map([[input, -1], ...layers.map(({ output }, index) => [output, index] as const)]);
  const reads = layers.map(reaches);
  const readers = new Map<string, { readonly output: string; readonly reach: Reach }[]>();
  layers.forEach(({ output }, index) => {
    for (const reach of itemAt(reads, index))
      readers.set(reach.map, [...(readers.get(reach.map) ?? []), { output, reach }]);
  });
  const heights = new Map([...sizes].map(([map, { height }]) => [map, height]));
  const made = new Map([...sizes.keys()].map((map) => [map, 0]));
  const held = new Map([...sizes.keys()].map((map) => [map, outputs.includes(map) ? entryOf(heights, map) : 1]));

  /** The first row of a map that a layer has yet to read. */
  const firstNeeded = (map: string): number =>
    Math.min(
      ...(readers.get(map) ?? []).map(({ output, reach }) => {
        const next = entryOf(made, output);
        return next === entryOf(heights, output) ? Number.POSITIVE_INFINITY : Math.max(0, reach.first(next));
      }),
    );
  const require = (map: string, last: number): void => {
    const index = entryOf(makers, map);
    const upTo = Math.min(last, entryOf(heights, map) - 1);
    for (let row = entryOf(made, map); row <= upTo; row++) {
      if (index >= 0) for (const reach of itemAt(reads, index)) require(reach.map, reach.last(row));
      order.push(index);
      made.set(map, row + 1);
      // While it is written, nothing that is still to be read may lie there.
      const oldest = Math.min(row, firstNeeded(map));
      if (!outputs.includes(map)) held.set(map, Math.max(entryOf(held, map), row - oldest + 1));
    }
  };
  const rows = Math.max(...outputs.map((map) => entryOf(heights, map)));
  for (let row = 0; row < rows; row++) for (const map of outputs) require(map, row);
  return { order: Int16Array.from(order), held };
}
