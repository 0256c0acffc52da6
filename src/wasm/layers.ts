import { halfValues } from '../common/half.js';
import { itemAt } from '../common/item-at.js';
import type { OnnxInitializer, OnnxModel, OnnxNode } from '../onnx/read.js';
import { type Product, packedDepthwise, packedFull, packedPointwise, patchChannels, vector } from './pack.js';
import { UnsupportedError } from './unsupported.js';

/** How a convolution reads the rows of its input. */
export type Reading =
  /** Each pixel by itself. */
  | { readonly kind: 'pixel' }
  /** 3x3 pixels, each channel by itself. */
  | { readonly kind: 'depthwise'; readonly stride: 1 | 2; readonly channels: number; readonly weights: Float32Array }
  /** 3x3 pixels of three channels, from every other pixel. */
  | { readonly kind: 'patch'; readonly stride: 2 };

/** What makes one map, row by row. Maps have names. */
export type Layer =
  | {
      readonly kind: 'convolution';
      readonly input: string;
      readonly reading: Reading;
      readonly products: readonly [Product] | readonly [Product, Product];
      /** A map that is added to the channels of the first product. */
      readonly residual: string | undefined;
      readonly relu: boolean;
      readonly output: string;
    }
  /** The largest of 2x2 pixels. */
  | { readonly kind: 'pool'; readonly input: string; readonly output: string }
  /** The sum of a map and a smaller one, whose sides are doubled by linear interpolation. */
  | { readonly kind: 'enlarged-sum'; readonly input: string; readonly other: string; readonly output: string };

interface Weights {
  readonly dims: readonly number[];
  readonly values: Float32Array;
}

/**
 * A model as layers: activations, sums and joined channels become parts of the convolution that they follow, and a depthwise
 * convolution part of the pointwise one.
 * @throws UnsupportedError where the model has anything else.
 */
export function layersOf(model: OnnxModel): Layer[] {
  return new Fusion(model).layers();
}

/** A pointwise or full convolution with what follows it. */
interface Chain {
  readonly source: OnnxNode;
  readonly node: OnnxNode;
  readonly residual: string | undefined;
  readonly relu: boolean;
  readonly output: string;
}

class Fusion {
  readonly #weights = new Map<string, Weights>();
  readonly #nodes: readonly OnnxNode[];
  readonly #makers = new Map<string, OnnxNode>();
  readonly #readers = new Map<string, OnnxNode[]>();
  readonly #outputs: ReadonlySet<string>;
  /** Nodes that are part of a layer. */
  readonly #taken = new Set<OnnxNode>();

  constructor({ nodes, initializers, outputs }: OnnxModel) {
    for (const [name, tensor] of initializers) this.#weights.set(name, weightsOf(tensor));
    this.#outputs = new Set(outputs);
    this.#nodes = nodes.filter((node) => !this.#isConstant(node));
    for (const node of this.#nodes) {
      if (node.outputs.length !== 1) throw new UnsupportedError(`${node.type} with several outputs`);
      this.#makers.set(itemAt(node.outputs, 0), node);
      for (const input of node.inputs) {
        const readers = this.#readers.get(input) ?? [];
        readers.push(node);
        this.#readers.set(input, readers);
      }
    }
  }

  /** Weights in half precision are widened, by nodes of their own. */
  #isConstant(node: OnnxNode): boolean {
    const { type, outputs } = node;
    const weights = this.#weightsAt(node, 0);
    if (type !== 'Cast' || weights === undefined) return false;
    for (const output of outputs) this.#weights.set(output, weights);
    return true;
  }

  layers(): Layer[] {
    const layers: Layer[] = [];
    const chains = new Map<string, Chain>();
    for (const node of this.#nodes) {
      if (this.#taken.has(node)) continue;
      if (node.type === 'Conv') {
        // It is read by the products behind it, which look for it.
        if (this.#isDepthwise(node)) continue;
        const chain = this.#chain(node);
        const joint = this.#reader(chain.output, 'Concat');
        if (joint === undefined) layers.push(this.#convolution([chain], chain.output));
        else chains.set(chain.output, chain);
      } else if (node.type === 'Concat') {
        const parts = node.inputs.map((input) => chains.get(input));
        const [first, second] = parts;
        if (first === undefined || second === undefined || parts.length > 2 || numberOf(node, 'axis') !== 1) {
          throw new UnsupportedError('joined channels of something else than two convolutions');
        }
        layers.push(this.#convolution([first, second], this.#take(node)));
      } else layers.push(this.#other(node));
    }
    const left = this.#nodes.find((node) => !this.#taken.has(node));
    if (left !== undefined) throw new UnsupportedError(`${left.type} that nothing reads`);
    return layers;
  }

  #other(node: OnnxNode): Layer {
    if (node.type === 'MaxPool') {
      const shape = { kernel_shape: [2, 2], strides: [2, 2], pads: [0, 0, 0, 0] };
      for (const [name, expected] of Object.entries(shape)) requireList(node, name, expected);
      return { kind: 'pool', input: itemAt(node.inputs, 0), output: this.#take(node) };
    }
    if (node.type === 'Add') {
      const [a, b] = [itemAt(node.inputs, 0), itemAt(node.inputs, 1)];
      const enlarged = [a, b].map((name) => this.#makers.get(name)).find((maker) => maker?.type === 'Resize');
      if (enlarged !== undefined) {
        this.#requireDoubling(enlarged);
        const other = a === this.#take(enlarged) ? b : a;
        return { kind: 'enlarged-sum', input: itemAt(enlarged.inputs, 0), other, output: this.#take(node) };
      }
    }
    if (node.type === 'Resize') {
      // Part of the sum behind it.
      const sum = this.#reader(itemAt(node.outputs, 0), 'Add');
      if (sum !== undefined) return this.#other(sum);
    }
    throw new UnsupportedError(node.type);
  }

  #requireDoubling(node: OnnxNode): void {
    const scales = this.#weightsAt(node, 2);
    const mode = node.attributes.get('mode') === 'linear';
    const halves = node.attributes.get('coordinate_transformation_mode') === 'half_pixel';
    if (!mode || !halves || scales?.values.join() !== '1,1,2,2') throw new UnsupportedError('Resize of another kind');
  }

  /** Claims a node for a layer. */
  #take(node: OnnxNode): string {
    this.#taken.add(node);
    return itemAt(node.outputs, 0);
  }

  /** The only reader of a map, if it is of a type and no layer has it. */
  #reader(name: string, type: string): OnnxNode | undefined {
    const [reader, ...others] = this.#readers.get(name) ?? [];
    if (reader === undefined || others.length > 0 || this.#outputs.has(name)) return undefined;
    return reader.type === type && !this.#taken.has(reader) ? reader : undefined;
  }

  #isDepthwise(node: OnnxNode): boolean {
    return node.type === 'Conv' && numberOf(node, 'group') > 1;
  }

  #chain(node: OnnxNode): Chain {
    const input = itemAt(node.inputs, 0);
    const maker = this.#makers.get(input);
    const source = maker !== undefined && this.#isDepthwise(maker) && isPointwise(node) ? maker : node;
    this.#take(source);
    let output = this.#take(node);
    let residual: string | undefined;
    const sum = this.#reader(output, 'Add');
    const other = sum?.inputs.find((name) => name !== output);
    if (sum !== undefined && other !== undefined && this.#makers.get(other)?.type !== 'Resize') {
      residual = other;
      output = this.#take(sum);
    }
    const relu = this.#reader(output, 'Relu');
    if (relu !== undefined) output = this.#take(relu);
    return { source, node, residual, relu: relu !== undefined, output };
  }

  #convolution(chains: readonly [Chain] | readonly [Chain, Chain], output: string): Layer {
    const [first, second] = chains;
    const { source, node, residual, relu } = first;
    const same = second === undefined || (second.source === source && second.relu === relu);
    if (!same || second?.residual !== undefined) throw new UnsupportedError('joined channels of different layers');
    const reading = this.#reading(source, node);
    const product = this.#product(node, reading);
    return {
      kind: 'convolution',
      input: itemAt(source.inputs, 0),
      reading,
      products: second === undefined ? [product] : [product, this.#product(second.node, reading)],
      residual,
      relu,
      output,
    };
  }

  #reading(source: OnnxNode, node: OnnxNode): Reading {
    if (isPointwise(source)) return { kind: 'pixel' };
    const stride = strideOf(source);
    requireList(source, 'pads', stride === 1 ? [1, 1, 1, 1] : [0, 0, 1, 1]);
    requireList(source, 'kernel_shape', [3, 3]);
    const { dims, values } = this.#tensor(source, 1);
    if (source !== node) {
      const [channels, ofGroup] = [itemAt(dims, 0), itemAt(dims, 1)];
      if (channels !== numberOf(source, 'group') || ofGroup !== 1 || channels % vector !== 0) {
        throw new UnsupportedError('a grouped convolution');
      }
      return { kind: 'depthwise', stride, channels, weights: packedDepthwise(values, this.#tensor(source, 2).values) };
    }
    if (dims[1] !== patchChannels || stride !== 2) throw new UnsupportedError('a full convolution of many channels');
    return { kind: 'patch', stride };
  }

  #product(node: OnnxNode, { kind }: Reading): Product {
    const { dims, values } = this.#tensor(node, 1);
    const bias = this.#tensor(node, 2).values;
    const [outputs, inputs] = [itemAt(dims, 0), itemAt(dims, 1)];
    if (kind === 'patch') return packedFull(values, bias, inputs, outputs);
    if (inputs % vector !== 0) throw new UnsupportedError(`a product with ${inputs} channels`);
    if (strideOf(node) !== 1) throw new UnsupportedError('a pointwise convolution with strides');
    return packedPointwise(values, bias, inputs, outputs);
  }

  /** Undefined where a node has no such input, or one that is no weights. */
  #weightsAt({ inputs }: OnnxNode, index: number): Weights | undefined {
    const name = inputs[index];
    return name === undefined ? undefined : this.#weights.get(name);
  }

  #tensor(node: OnnxNode, index: number): Weights {
    const found = this.#weightsAt(node, index);
    if (found === undefined) throw new UnsupportedError(`${node.type} without weights`);
    return found;
  }
}

function numberOf({ type, attributes }: OnnxNode, name: string): number {
  const value = attributes.get(name);
  if (typeof value !== 'number') throw new UnsupportedError(`${type} without ${name}`);
  return value;
}

function requireList({ type, attributes }: OnnxNode, name: string, expected: readonly number[]): void {
  const value = attributes.get(name);
  if (String(value) !== String(expected)) throw new UnsupportedError(`${type} with ${name} ${String(value)}`);
}

function isPointwise({ attributes }: OnnxNode): boolean {
  return String(attributes.get('kernel_shape')) === '1,1';
}

function strideOf(node: OnnxNode): 1 | 2 {
  const strides = String(node.attributes.get('strides'));
  if (strides === '1,1') return 1;
  if (strides === '2,2') return 2;
  throw new UnsupportedError(`strides ${strides}`);
}

/** TensorProto.DataType of what weights may be in. */
const dataTypes = { float: 1, float16: 10 } as const;

function weightsOf({ dims, dataType, bytes }: OnnxInitializer): Weights {
  // Behind the names of a file they lie at any address.
  const { buffer } = bytes.slice();
  if (dataType === dataTypes.float) return { dims, values: new Float32Array(buffer) };
  if (dataType === dataTypes.float16) return { dims, values: halfValues(new Uint16Array(buffer)) };
  throw new UnsupportedError(`weights of data type ${dataType}`);
}
