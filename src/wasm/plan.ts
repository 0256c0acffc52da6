import { entryOf, itemAt } from '../common/item-at.js';
import { integerAt } from '../common/typed-item.js';
import { type Kernels, readings } from './kernels.js';
import type { Layer, Reading } from './layers.js';
import { floatBytes, patchInputs } from './pack.js';
import { type MapSize, mapSizes, scheduleOf } from './schedule.js';

const lineBytes = 64;
/** Pixels beyond a row that kernels may touch. */
const slack = 12;
/** Pixels that pass through the scratch together: `tile` in kernels.as. */
const tile = 32;

/** Hands out a memory from an address on. */
export class Addresses {
  /** The first that is free. */
  end: number;

  constructor(begin: number) {
    this.end = begin;
  }

  take(floats: number): number {
    const at = this.end;
    this.end += Math.ceil((floats * floatBytes) / lineBytes) * lineBytes;
    return at;
  }
}

/** A layer, and where its weights are. */
export interface LoadedLayer {
  readonly layer: Layer;
  readonly weights: number;
  readonly products: readonly { readonly at: number; readonly channels: number }[];
}

/** A network as it runs over inputs of one size. */
export interface Plan {
  /** Memory for maps: kernels rely on zeros where nothing was written. */
  readonly begin: number;
  readonly end: number;
  /** Where the input is expected: three planes. */
  readonly pixels: number;
  readonly outputs: ReadonlyMap<string, MapSize & { readonly at: number; readonly rowFloats: number }>;
  run(): void;
}

/** The last rows of a map, each with a pixel of zeros before and behind it. */
class RowBuffer {
  readonly size: MapSize;
  readonly rowFloats: number;
  readonly #at: number;
  readonly #held: number;

  constructor(size: MapSize, held: number, addresses: Addresses) {
    this.size = size;
    this.rowFloats = (size.width + 2) * size.channels;
    this.#at = addresses.take(held * this.rowFloats + slack * size.channels);
    this.#held = held;
  }

  /** Where a row's first pixel is. */
  row(y: number): number {
    return this.#at + ((y % this.#held) * this.rowFloats + this.size.channels) * floatBytes;
  }
}

/**
 * Finds a place for every map and an order for all rows.
 * @param height, width of the input: multiples of what the layers halve it by
 * @param begin the first address that is free
 */
export function planOf(
  loaded: readonly LoadedLayer[],
  input: string,
  outputs: readonly string[],
  { height, width }: Pick<MapSize, 'height' | 'width'>,
  begin: number,
  kernels: Kernels,
): Plan {
  const layers = loaded.map(({ layer }) => layer);
  const sizes = mapSizes(layers, input, { channels: 3, height, width });
  const { order, held } = scheduleOf(layers, input, outputs, sizes);
  const addresses = new Addresses(begin);
  const all = [...sizes.values()];
  const zeros = addresses.take(Math.max(...all.map((size) => (size.width + slack) * size.channels)));
  const scratch = addresses.take((tile + slack) * Math.max(patchInputs, ...all.map(({ channels }) => channels)));
  const buffers = new Map([...sizes].map(([map, size]) => [map, new RowBuffer(size, entryOf(held, map), addresses)]));
  const pixels = addresses.take(3 * height * width);
  const steps = loaded.map((one) => stepOf(one, buffers, zeros, scratch, kernels));
  const first = entryOf(buffers, input);
  const planeBytes = height * width * floatBytes;
  /** Makes a row of the input out of the planes. */
  const read = (y: number): void => {
    const at = pixels + y * width * floatBytes;
    kernels.interleave(at, at + planeBytes, at + 2 * planeBytes, width, first.row(y));
  };
  return {
    begin,
    end: addresses.end,
    pixels,
    outputs: new Map(
      outputs.map((map) => {
        const buffer = entryOf(buffers, map);
        return [map, { ...buffer.size, rowFloats: buffer.rowFloats, at: buffer.row(0) }];
      }),
    ),
    run() {
      const made = new Int32Array(steps.length + 1);
      for (const index of order) {
        const y = integerAt(made, index + 1);
        made[index + 1] = y + 1;
        if (index < 0) read(y);
        else itemAt(steps, index)(y);
      }
    },
  };
}

/** Makes one row of a layer's output. */
type Step = (y: number) => void;

function stepOf(
  { layer, weights, products }: LoadedLayer,
  buffers: ReadonlyMap<string, RowBuffer>,
  zeros: number,
  scratch: number,
  { convolve, pool, enlarge }: Kernels,
): Step {
  const from = entryOf(buffers, layer.input);
  const to = entryOf(buffers, layer.output);
  const { channels, height } = from.size;
  const { width } = to.size;
  if (layer.kind === 'pool') return (y) => pool(from.row(2 * y), from.row(2 * y + 1), channels, width, to.row(y));
  if (layer.kind === 'enlarged-sum') {
    const other = entryOf(buffers, layer.other);
    return (y) => {
      const near = Math.floor(y / 2);
      const far = Math.min(height - 1, Math.max(0, y % 2 === 0 ? near - 1 : near + 1));
      enlarge(from.row(near), from.row(far), other.row(y), channels, width, to.row(y));
    };
  }
  const reading = readingOf(layer.reading);
  // With stride 1 the first of three columns is the pixel before the row; with stride 2 the last may be the one behind it.
  const before = reading === readings.depthwise ? channels * floatBytes : 0;
  const at = (y: number): number => (y < 0 || y >= height ? zeros : from.row(y) - before);
  const scale = layer.reading.kind === 'pixel' ? 1 : layer.reading.stride;
  const up = scale === 1 ? 1 : 0;
  const residual = layer.residual === undefined ? undefined : entryOf(buffers, layer.residual);
  const residualBytes = residual === undefined ? 0 : residual.size.channels * floatBytes;
  const floor = layer.relu ? 0 : Number.NEGATIVE_INFINITY;
  const first = itemAt(products, 0);
  const second = products[1] ?? { at: 0, channels: 0 };
  return (y) => {
    const top = scale * y - up;
    convolve(
      reading,
      at(top),
      at(top + 1),
      at(top + 2),
      channels,
      width,
      weights,
      scratch,
      first.at,
      first.channels,
      second.at,
      second.channels,
      residual === undefined ? 0 : residual.row(y),
      residualBytes,
      to.row(y),
      floor,
    );
  };
}

function readingOf(reading: Reading): (typeof readings)[keyof typeof readings] {
  if (reading.kind !== 'depthwise') return readings[reading.kind];
  return reading.stride === 1 ? readings.depthwise : readings.depthwiseHalving;
}
