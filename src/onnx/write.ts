import { UserError } from '../common/errors.js';
import {
  type Attribute,
  arrayTypes,
  type Dim,
  type DType,
  type DTypeArrays,
  elements,
  type Graph,
  holds,
  inputsOf,
  leavesOf,
  type Node,
  nodesOf,
  type Value,
} from '../graph/index.js';
import { elementTypes, type OnnxForm, operationOf } from '../ops/index.js';
import { type Initializer, joined, modelChunks } from './encode.js';
import { attributeTypes, defaultOpset, externalLocation, irVersions, maxModelBytes } from './schema.js';

/** Opsets that a model can be written for. */
export const opsets: readonly number[] = Object.keys(irVersions).map(Number);

/** Where a parameter's bytes lie: in an external file, such as a .safetensors file, at any offset. */
export interface ExternalTensor {
  /** Relative to the model, as ONNX wants it. */
  readonly location: string;
  readonly offset: number;
  readonly length: number;
}

/**
 * What happens to a parameter: an initializer whose bytes lie elsewhere or here, in an array of its dtype, or an input fed
 * at every run.
 */
export type Placement = ExternalTensor | DTypeArrays[DType] | 'input';

export interface WriteOptions {
  /** Default: every parameter is an input. */
  readonly placement?: (name: string) => Placement;
  readonly metadata?: Readonly<Record<string, string>>;
  /** One of {@link opsets}, default 21; must have all operations of the graph (see `forOpset` of `src/passes`). */
  readonly opset?: number;
  /** What the batch dimension is called; default `N`. */
  readonly batch?: string;
  /** Which values between inputs and outputs are written with dtype and shape (`value_info`); default: none. */
  readonly hasValueInfo?: (value: Value) => boolean;
}

/**
 * A graph as the bytes of an ONNX model. It must hold ONNX operations only (see `lower`).
 * Inputs, then parameters that are inputs, are named as in the graph.
 * @throws UserError where weights that the model is to hold itself are more than one file can.
 */
export function writeOnnx(program: Graph, options: WriteOptions = {}): Uint8Array {
  return joined(onnxChunks(program, options));
}

/** The same as pieces to be written one after the other; weights are not copied. */
export function onnxChunks(program: Graph, options: WriteOptions = {}): Uint8Array[] {
  const { placement = (): Placement => 'input', opset = defaultOpset, hasValueInfo = (): boolean => false } = options;
  const irVersion = checkedIrVersion(program, opset);
  const names = new Names(program);
  const initializers: Initializer[] = [];
  const nodes: { [key: string]: unknown }[] = [];
  const inputs = [...inputsOf(program.outputs.values()).values()].map((value) =>
    valueInfo(names.of(value), value, options),
  );
  let held = 0;
  let hasFedWeights = false;
  for (const leaf of leavesOf(program.outputs.values())) {
    const name = names.of(leaf);
    if (leaf.source.kind === 'constant') initializers.push(rawTensor(name, leaf, leaf.source.data));
    if (leaf.source.kind !== 'parameter') continue;
    const location = placement(leaf.source.name);
    if (ArrayBuffer.isView(location)) held += location.byteLength;
    if (location === 'input') {
      inputs.push(valueInfo(name, leaf, options));
      hasFedWeights = true;
    } else if (ArrayBuffer.isView(location)) initializers.push(rawTensor(name, leaf, location));
    else initializers.push(externalTensor(name, leaf, location));
  }
  if (held > maxModelBytes) throw tooLarge(held);
  const order = nodesOf(program.outputs.values());
  nodes.push(...(hasFedWeights ? weightsFirst(order) : order).map((node, index) => nodeMessage(node, index, names)));
  const outputs: object[] = [];
  for (const [name, value] of program.outputs) {
    // An output that is itself a leaf, or known under another name already, needs a node of its own.
    if (names.of(value) !== name) {
      nodes.push({ name: `Identity_${nodes.length}`, opType: 'Identity', input: [names.of(value)], output: [name] });
    }
    outputs.push(valueInfo(name, value, options));
  }
  const domains = [...new Set(nodes.flatMap(({ domain }) => (typeof domain === 'string' ? [domain] : [])))];
  const model = {
    irVersion,
    producerName: 'poster-v2',
    opsetImport: [{ domain: '', version: opset }, ...domains.map((domain) => ({ domain, version: 1 }))],
    metadataProps: Object.entries(options.metadata ?? {}).map(([key, value]) => ({ key, value })),
  };
  const known = order
    .flatMap((node) => node.outputs)
    .filter((value) => !program.outputs.has(names.of(value)) && hasValueInfo(value))
    .map((value) => valueInfo(names.of(value), value, options));
  const graph = { name: 'main', node: nodes, input: inputs, output: outputs, valueInfo: known };
  return modelChunks(model, graph, initializers);
}

/**
 * Nodes that need only weights, before all others. ONNX Runtime begins with what stands last: otherwise it would prepare the
 * weights of every layer, and keep them, before the first layer runs. Weights that are constants it prepares when it loads.
 */
function weightsFirst(order: readonly Node[]): Node[] {
  const fed = new Set<Node>();
  for (const node of order) {
    const needs = (value: Value | undefined): boolean =>
      value?.source.kind === 'input' || (value?.source.kind === 'node' && fed.has(value.source.node));
    if (node.inputs.some(needs)) fed.add(node);
  }
  return [...order.filter((node) => !fed.has(node)), ...order.filter((node) => fed.has(node))];
}

function checkedIrVersion(program: Graph, opset: number): number {
  const version = irVersions[opset];
  if (version === undefined) throw new RangeError(`opset ${opset} is not one of ${opsets.join(', ')}`);
  for (const { op } of nodesOf(program.outputs.values())) {
    const { since } = formOf(op);
    if (since !== undefined && since > opset) {
      throw new Error(`${op} as it is written here came with opset ${since}, not with ${opset}`);
    }
  }
  return version;
}

function formOf(op: string): OnnxForm {
  const { onnx } = operationOf(op);
  if (onnx === 'ours') throw new Error(`ONNX has no ${op}: a graph is lowered before it is written`);
  return onnx;
}

function tooLarge(bytes: number): UserError {
  const size = (bytes / 1e9).toFixed(1);
  return new UserError(
    `An ONNX file of ${size} GB cannot be: ONNX files are protobuf messages, which end at 2 GB; write safetensors, or half the size in F16.`,
    'input',
    { settings: ['precision'] },
  );
}

/** A name for every value: leaves and outputs keep theirs, the rest are numbered. */
class Names {
  readonly #names = new Map<Value, string>();
  readonly #taken = new Set<string>();
  #count = 0;

  /** @throws Error when two inputs or parameters share a name, or an output has the name of another value. */
  constructor(program: Graph) {
    for (const leaf of leavesOf(program.outputs.values())) {
      const { source } = leaf;
      if (source.kind !== 'input' && source.kind !== 'parameter') continue;
      if (this.#taken.has(source.name))
        throw new Error(`two different inputs or parameters are called '${source.name}'`);
      this.#set(leaf, source.name);
    }
    for (const [name, value] of program.outputs) {
      if (this.#names.get(value) === name) continue;
      if (this.#taken.has(name)) throw new Error(`output '${name}' has the name of an input or parameter it is not`);
      this.#taken.add(name);
      if (value.source.kind === 'node' && !this.#names.has(value)) this.#names.set(value, name);
    }
  }

  of(value: Value): string {
    return this.#names.get(value) ?? this.#set(value, this.fresh());
  }

  /** One that nothing else has. */
  fresh(): string {
    let name: string;
    do name = `#${this.#count++}`;
    while (this.#taken.has(name));
    return name;
  }

  #set(value: Value, name: string): string {
    this.#taken.add(name);
    this.#names.set(value, name);
    return name;
  }
}

function nodeMessage(node: Node, index: number, names: Names): { [key: string]: unknown } {
  const { unwritten = [], foreign = { opType: node.op } } = formOf(node.op);
  const attributes = Object.entries(node.attributes).filter(([name]) => !unwritten.includes(name));
  return {
    name: `${node.op}_${index}`,
    ...foreign,
    input: node.inputs.map((value) => (value ? names.of(value) : '')),
    output: node.outputs.map((value) => names.of(value)),
    attribute: attributes.map(([name, value]) => ({ name, ...attributeMessage(value) })),
  };
}

function attributeMessage(attribute: Attribute): object {
  const type = attributeTypes[attribute.kind];
  switch (attribute.kind) {
    case 'int':
      return { type, i: attribute.value };
    case 'float':
      return { type, f: attribute.value };
    case 'string':
      return { type, s: new TextEncoder().encode(attribute.value) };
    case 'ints':
      return { type, ints: attribute.value };
  }
}

function valueInfo(name: string, { dtype, shape }: Value, { batch = 'N' }: WriteOptions): object {
  const dim = shape.map((size: Dim) =>
    typeof size === 'number' ? { dimValue: size } : { dimParam: size === 'N' ? batch : size },
  );
  return { name, type: { tensorType: { elemType: elementTypes[dtype], shape: { dim } } } };
}

const bytesOf = ({ shape, dtype }: Value): number => elements(shape) * arrayTypes[dtype].BYTES_PER_ELEMENT;

function wrongSize(name: string, actual: number, expected: number): Error {
  return new Error(`'${name}' holds ${actual} bytes where ${expected} are needed`);
}

function rawTensor(name: string, value: Value, data: DTypeArrays[DType]): Initializer {
  const expected = bytesOf(value);
  if (data.byteLength !== expected) throw wrongSize(name, data.byteLength, expected);
  if (!holds(value.dtype, data))
    throw new Error(`'${name}' is ${value.dtype}, which is not held in this kind of array`);
  const rawData = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  return { tensor: { name, dims: value.shape, dataType: elementTypes[value.dtype] }, rawData };
}

function externalTensor(name: string, value: Value, at: ExternalTensor): Initializer {
  const expected = bytesOf(value);
  if (at.length !== expected) throw wrongSize(name, at.length, expected);
  const { location, offset, length } = at;
  const externalData = Object.entries({ location, offset, length }).map(([key, v]) => ({ key, value: String(v) }));
  const dataType = elementTypes[value.dtype];
  return { tensor: { name, dims: value.shape, dataType, externalData, dataLocation: externalLocation } };
}
