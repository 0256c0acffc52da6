/** The derivative of a function, as a graph and as numbers: `node dist/examples/differentiate.js`. */
import { autodiff, graph, ops, passes, runtime } from 'poster-v2/core';

// y = sum over x of x^2 exp(x)
const x = graph.input('x', 'float32', [4]);
const y = ops.reduceSum(ops.mul(ops.mul(x, x), ops.exp(x)), [0]);
const [dx] = autodiff.gradients(y, [x]);
if (dx === undefined) throw new Error('y does not depend on x');

// Both are values of one graph, which ONNX Runtime executes.
const program = passes.lower(graph.graph({ y, dx }), 'cpu');
console.log(graph.print(program));

const session = await runtime.CpuSession.create(program);
const values = Float32Array.of(-1, 0, 0.5, 2);
const results = await session.run(new Map([['x', runtime.hostTensor('float32', values, [4])]]));
await session.dispose();

const slopes = runtime.floats(results.get('dx'));
for (const [i, at] of values.entries()) {
  const expected = (2 * at + at * at) * Math.exp(at);
  console.log(`x = ${at}: dy/dx = ${slopes[i]?.toFixed(5)}, by hand (2x + x^2) exp(x) = ${expected.toFixed(5)}`);
}
