import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Model } from '../../test/support/onnx-model.js';
import {
  apply,
  constant,
  float,
  type Graph,
  graph,
  input,
  int,
  ints,
  parameter,
  string,
  type Value,
} from '../graph/index.js';
import { encoded } from './encode.js';
import { type WriteOptions, writeOnnx } from './write.js';

const scalar = { dtype: 'float32', shape: [] } as const;

interface Decoded {
  readonly irVersion: number;
  readonly opsetImport: { version: number }[];
  readonly metadataProps: { key: string; value: string }[];
  readonly graph: {
    readonly node: { name: string; opType: string; input: string[]; output: string[]; attribute: object[] }[];
    readonly initializer: {
      name: string;
      dims?: number[];
      dataType: number;
      rawData?: number[];
      externalData?: { key: string; value: string }[];
      dataLocation?: number;
    }[];
    readonly input: { name: string; type: object }[];
    readonly output: { name: string; type: object }[];
    readonly valueInfo: { name: string; type: object }[];
  };
}

/** The model as plain JSON: int64 as numbers, bytes as arrays. */
function decoded(program: Graph, options?: WriteOptions): Decoded {
  const model = Model.decode(writeOnnx(program, options));
  const plain = Model.toObject(model, { longs: Number, bytes: Array, arrays: true });
  return JSON.parse(JSON.stringify(plain));
}

const one = (op: string, inputs: readonly (Value | undefined)[], attributes = {}): Value =>
  apply(op, inputs, attributes, [scalar]).outputs[0] as Value;
const x = input('x', 'float32', []);

test('attributes of every kind', () => {
  const attributes = {
    axis: int(-1),
    zero: int(0),
    epsilon: float(0.5),
    mode: string('ünï'),
    pads: ints([0, -2, 3]),
    none: ints([]),
  };
  const [node] = decoded(graph({ y: one('Concat', [x], attributes) })).graph.node;
  assert.deepEqual(node?.attribute, [
    { floats: [], ints: [], name: 'axis', i: -1, type: 2 },
    // Readers take the type's zero where the value is left out.
    { floats: [], ints: [], name: 'zero', type: 2 },
    { floats: [], ints: [], name: 'epsilon', f: 0.5, type: 1 },
    { floats: [], ints: [], name: 'mode', s: [...Buffer.from('ünï')], type: 3 },
    { floats: [], ints: [0, -2, 3], name: 'pads', type: 7 },
    { floats: [], ints: [], name: 'none', type: 7 },
  ]);
});

test('types, shapes and the names of dimensions', () => {
  const leaf = input('ids', 'int64', ['N', 3, '49N']);
  const y = apply('Concat', [leaf, input('flag', 'bool', [])], {}, [{ dtype: 'int32', shape: ['N'] }])
    .outputs[0] as Value;
  const { graph: written } = decoded(graph({ y }));
  const type = (elemType: number, ...dim: object[]) => ({ tensorType: { elemType, shape: { dim } } });
  assert.deepEqual(written.input, [
    { name: 'ids', type: type(7, { dimParam: 'N' }, { dimValue: 3 }, { dimParam: '49N' }) },
    { name: 'flag', type: type(9) },
  ]);
  assert.deepEqual(written.output, [{ name: 'y', type: type(6, { dimParam: 'N' }) }]);
});

test('values between inputs and outputs have shapes where that is wanted, outputs theirs once', () => {
  const shapes = [
    { dtype: 'float32', shape: ['N', 3] },
    { dtype: 'int64', shape: ['N'] },
  ] as const;
  const [values, indices] = apply('Concat', [input('ids', 'float32', ['N', 9])], {}, shapes).outputs as [Value, Value];
  const program = graph({ y: one('Concat', [values]), indices });
  const { graph: written } = decoded(program, { batch: 'batch_size', hasValueInfo: () => true });
  const [node] = written.node;
  const dim = [{ dimParam: 'batch_size' }, { dimValue: 3 }];
  assert.deepEqual(written.valueInfo, [
    { name: node?.output[0], type: { tensorType: { elemType: 1, shape: { dim } } } },
  ]);
  assert.deepEqual(
    written.output.map(({ name }) => name),
    ['y', 'indices'],
  );
  assert.deepEqual(decoded(program).graph.valueInfo, []);
  assert.deepEqual(decoded(program, { hasValueInfo: ({ shape }) => shape.length > 2 }).graph.valueInfo, []);
});

test('the model says which ONNX it is and carries metadata', () => {
  const model = decoded(graph({ y: one('Concat', [x]) }), { metadata: { labels: '["anger"]' } });
  assert.equal(model.irVersion, 10);
  assert.deepEqual(model.opsetImport, [{ version: 21 }]);
  assert.deepEqual(model.metadataProps, [{ key: 'labels', value: '["anger"]' }]);
});

test('inputs left out keep their place, and what ONNX takes as inputs is no attribute', () => {
  const y = one('Concat', [x, undefined, x]);
  const z = one('Slice', [y], { axis: int(0), start: int(1), end: int(2), step: int(1) });
  const { node } = decoded(graph({ z: one('ReduceSum', [z], { axes: ints([0]), keepdims: int(1) }) })).graph;
  assert.deepEqual(node[0]?.input, ['x', '', 'x']);
  assert.deepEqual(node[1]?.attribute, []);
  assert.deepEqual(
    node[2]?.attribute.map((attribute) => 'name' in attribute && attribute.name),
    ['keepdims'],
  );
});

test('constants and parameters: as raw bytes, as inputs, in other files', () => {
  const shared = constant('int64', BigInt64Array.of(1n, -1n), [2]);
  const names = ['fed', 'here', 'there'];
  const [fed, here, there] = names.map((name) => parameter(name, [2]));
  const y = one('Concat', [fed, here, there, shared, shared]);
  const buffer = Float32Array.of(9, 1, 2, 9);
  const { graph: written } = decoded(graph({ y, z: one('Concat', [y, shared]) }), {
    placement: (name) => {
      if (name === 'fed') return 'input';
      return name === 'here' ? buffer.subarray(1, 3) : { location: 'w.safetensors', offset: 88, length: 8 };
    },
  });
  assert.deepEqual(
    written.input.map(({ name }) => name),
    ['fed'],
  );
  const common = { dims: [2], externalData: [] };
  assert.deepEqual(written.initializer, [
    { ...common, dataType: 1, name: 'here', rawData: [...Buffer.from(Float32Array.of(1, 2).buffer)] },
    {
      dims: [2],
      dataType: 1,
      name: 'there',
      externalData: [
        { key: 'location', value: 'w.safetensors' },
        { key: 'offset', value: '88' },
        { key: 'length', value: '8' },
      ],
      dataLocation: 1,
    },
    { ...common, dataType: 7, name: '#0', rawData: [...Buffer.from(BigInt64Array.of(1n, -1n).buffer)] },
  ]);
  const refuse = (placement: ReturnType<NonNullable<WriteOptions['placement']>>, message: RegExp) =>
    assert.throws(() => writeOnnx(graph({ y: one('Concat', [here]) }), { placement: () => placement }), message);
  refuse(new Float32Array(3), /'here' holds 12 bytes where 8 are needed/);
  refuse({ location: 'w', offset: 0, length: 4 }, /'here' holds 4 bytes where 8 are needed/);
});

test('an output that is an input, a constant or another output gets a node of its own', () => {
  const y = one('Concat', [x]);
  const two = constant('float32', Float32Array.of(2), []);
  const { graph: written } = decoded(graph({ y, again: y, x, copy: x, two }));
  assert.deepEqual(
    written.node.map(({ opType, input: from, output: to }) => [opType, from, to]),
    [
      ['Concat', ['x'], ['y']],
      ['Identity', ['y'], ['again']],
      ['Identity', ['x'], ['copy']],
      ['Identity', ['#0'], ['two']],
    ],
  );
  assert.deepEqual(
    written.output.map(({ name }) => name),
    ['y', 'again', 'x', 'copy', 'two'],
  );
  assert.equal(new Set(written.node.map(({ name }) => name)).size, 4);
});

test('no two values share a name', () => {
  const odd = input('#0', 'float32', []);
  const { node } = decoded(graph({ '#2': one('Neg', [one('Log', [one('Exp', [odd])])]) })).graph;
  assert.deepEqual(
    node.flatMap(({ output }) => output),
    ['#1', '#3', '#2'],
  );
  const clash = (value: Value, name: string, message: RegExp) =>
    assert.throws(() => writeOnnx(graph({ [name]: value })), message);
  clash(one('Concat', [x, input('x', 'float32', [])]), 'y', /two different inputs or parameters are called 'x'/);
  clash(one('Concat', [x, parameter('x', [])]), 'y', /two different inputs or parameters are called 'x'/);
  clash(
    one('Concat', [parameter('w', []), parameter('w', [])]),
    'y',
    /two different inputs or parameters are called 'w'/,
  );
  clash(one('Concat', [x]), 'x', /output 'x' has the name of an input or parameter it is not/);
});

test('the opset can be chosen, as far as the operations are in it', () => {
  const versions = (opset: number): unknown[] => {
    const { irVersion, opsetImport } = decoded(graph({ y: one('Relu', [x]) }), { opset });
    return [irVersion, opsetImport];
  };
  assert.deepEqual(versions(17), [8, [{ version: 17 }]]);
  assert.deepEqual(versions(23), [11, [{ version: 23 }]]);
  assert.throws(() => versions(16), /opset 16 is not one of 17, 18/);
  const gelu = graph({ y: one('Gelu', [x]) });
  assert.deepEqual(decoded(gelu, { opset: 20 }).opsetImport, [{ version: 20 }]);
  assert.throws(() => writeOnnx(gelu, { opset: 19 }), /Gelu as it is written here came with opset 20/);
});

test('the batch dimension can be called otherwise', () => {
  const wide = input('x', 'float32', ['N', 2]);
  const y = apply('Concat', [wide], {}, [{ dtype: 'float32', shape: ['N'] }]).outputs[0] as Value;
  const { graph: written } = decoded(graph({ y }), { batch: 'batch_size' });
  const shapes = [...written.input, ...written.output].map(({ type }) => JSON.stringify(type));
  assert.match(shapes[0] ?? '', /"dimParam":"batch_size".*"dimValue":2/);
  assert.match(shapes[1] ?? '', /"dimParam":"batch_size"/);
});

test('a parameter of half precision is an initializer of it', () => {
  const { graph: written } = decoded(graph({ y: one('Concat', [parameter('w', [2], 'float16')]) }), {
    placement: () => Uint16Array.of(0x3c00, 0xc000),
  });
  assert.deepEqual(written.initializer, [
    { dims: [2], dataType: 10, name: 'w', rawData: [0, 0x3c, 0, 0xc0], externalData: [] },
  ]);
});

test('weights that one file cannot hold are refused before they are written', () => {
  // 256 MB, nine times the same.
  const much = new Float32Array(2 ** 26);
  const leaves = Array.from({ length: 9 }, (_, i) => parameter(`w${i}`, [much.length]));
  const program = graph({ y: one('Concat', leaves) });
  assert.throws(() => writeOnnx(program, { placement: () => much }), /An ONNX file of 2\.4 GB cannot be.*in F16/);
});

test("no function is made of text, and the bytes are those of protobufjs's own encoder", () => {
  const message = {
    irVersion: 10,
    producerName: 'ünï',
    graph: {
      name: '',
      node: [
        {
          opType: 'Concat',
          input: ['x', '', 'y'],
          attribute: [
            { name: 'i', i: -1, type: 2 },
            { name: 'large', i: 2 ** 40, type: 2 },
            { name: 'zero', i: 0, f: -0, type: 2 },
            { name: 'f', f: 0.1, floats: [1, -0.5], ints: [0, -2, 300], s: Uint8Array.of(1, 2), type: 7 },
            { name: 'none', ints: [], s: new Uint8Array(0), type: 7 },
          ],
        },
      ],
      input: [
        { name: 'x', type: { tensorType: { elemType: 1, shape: { dim: [{ dimValue: 0 }, { dimParam: 'N' }] } } } },
      ],
      initializer: [{ dims: [2, 0], rawData: Uint8Array.of(9), externalData: [{ key: 'offset', value: '0' }] }],
    },
    opsetImport: [{ domain: '', version: 21 }],
  };
  const { Function: made } = globalThis;
  let ours: Uint8Array;
  try {
    globalThis.Function = new Proxy(made, {
      apply: () => assert.fail('a function was made of text'),
      construct: () => assert.fail('a function was made of text'),
    });
    ours = encoded('Model', message);
  } finally {
    globalThis.Function = made;
  }
  assert.deepEqual(Buffer.from(ours), Buffer.from(Model.encode(Model.fromObject(message)).finish()));
  assert.throws(() => encoded('Model', { irVersion: 'ten' }), /^TypeError: field irVersion takes int64, not ten$/);
  assert.throws(() => encoded('Model', { graph: { node: 3 } }), /^TypeError: field node takes a list of Node, not 3$/);
  assert.throws(() => encoded('Model', { version: 3 }), /^TypeError: Model has no field version$/);
});
