import { entryOf, itemAt } from '../common/item-at.js';
import type { OnnxModel } from '../onnx/read.js';
import type { Kernels, MemoryUse } from './kernels.js';
import { type Layer, layersOf } from './layers.js';
import { floatBytes } from './pack.js';
import { Addresses, type LoadedLayer, type Plan, planOf } from './plan.js';
import { mapSizes } from './schedule.js';
import { UnsupportedError } from './unsupported.js';

/** Plans of so many sizes of input are kept: a video has few. */
const keptPlans = 12;
/** What memory for maps is for: they are as large as the picture that is searched. */
const search: MemoryUse = { purpose: 'to look for faces in', advice: 'search the picture at smaller scales' };
/** Nothing lies at address 0, which stands for what is not there. */
const firstAddress = 64;

/** A network of convolutions, run by kernels of our own (kernels.as): one picture at a time, on one thread. */
export class KernelNetwork {
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  /** Channels of each output, up to a multiple of 4. */
  readonly outputChannels: readonly number[];
  readonly #kernels: Kernels;
  readonly #layers: readonly LoadedLayer[];
  /** The first address behind the weights. */
  readonly #begin: number;
  readonly #plans = new Map<string, Plan>();
  #last: Plan | undefined;

  /** @throws UnsupportedError where a model has what the kernels do not compute. */
  constructor(model: OnnxModel, kernels: Kernels) {
    this.inputs = model.inputs;
    this.outputs = model.outputs;
    this.#kernels = kernels;
    const layers = layersOf(model);
    if (this.inputs.length !== 1) throw new UnsupportedError(`${this.inputs.length} inputs`);
    // Any size will do.
    const sizes = mapSizes(layers, itemAt(this.inputs, 0), { channels: 3, height: 1, width: 1 });
    this.outputChannels = this.outputs.map((name) => entryOf(sizes, name).channels);
    const addresses = new Addresses(firstAddress);
    this.#layers = layers.map((layer) => loadLayer(layer, addresses, kernels));
    this.#begin = addresses.end;
  }

  /**
   * @param pixels [3, height, width]; the sides must be multiples of what the network halves them by
   * @returns each output as planes: [channels, height, width], with the channels up to a multiple of 4
   */
  run(pixels: Float32Array, height: number, width: number): Float32Array<ArrayBuffer>[] {
    const plan = this.#plan(height, width);
    const { memory } = this.#kernels;
    if (plan !== this.#last) {
      this.#last = undefined;
      memory.reserve(plan.end, search);
      memory.floats(plan.begin, (plan.end - plan.begin) / floatBytes).fill(0);
      this.#last = plan;
    }
    memory.floats(plan.pixels, pixels.length).set(pixels);
    plan.run();
    return this.outputs.map((name) => {
      const { at, rowFloats, ...size } = entryOf(plan.outputs, name);
      return planesOf(memory.floats(at, size.height * rowFloats - 2 * size.channels), rowFloats, size);
    });
  }

  #plan(height: number, width: number): Plan {
    const name = `${height}x${width}`;
    const known = this.#plans.get(name);
    if (known !== undefined) return known;
    const [oldest] = this.#plans.keys();
    if (oldest !== undefined && this.#plans.size >= keptPlans) this.#plans.delete(oldest);
    const input = itemAt(this.inputs, 0);
    const plan = planOf(this.#layers, input, this.outputs, { height, width }, this.#begin, this.#kernels);
    this.#plans.set(name, plan);
    return plan;
  }
}

function loadLayer(layer: Layer, addresses: Addresses, { memory }: Kernels): LoadedLayer {
  const store = (values: Float32Array): number => {
    const at = addresses.take(values.length);
    memory.reserve(addresses.end);
    memory.floats(at, values.length).set(values);
    return at;
  };
  if (layer.kind !== 'convolution') return { layer, weights: 0, products: [] };
  const { reading, products } = layer;
  return {
    layer,
    weights: reading.kind === 'depthwise' ? store(reading.weights) : 0,
    products: products.map(({ weights, channels }) => ({ at: store(weights), channels })),
  };
}

/** Rows of pixels as planes. */
function planesOf(
  rows: Float32Array,
  rowFloats: number,
  { channels, height, width }: { readonly channels: number; readonly height: number; readonly width: number },
): Float32Array<ArrayBuffer> {
  const plane = height * width;
  const planes = new Float32Array(channels * plane);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const from = y * rowFloats + x * channels;
      for (let channel = 0; channel < channels; channel++) {
        planes[channel * plane + y * width + x] = rows[from + channel] as number;
      }
    }
  }
  return planes;
}
