import { gradients } from '../../src/autodiff/index.js';
import { graph, type Tensor } from '../../src/graph/index.js';
import { mul, reduceSum } from '../../src/ops/index.js';
import { lower } from '../../src/passes/index.js';
import { CpuSession, floats, GpuSession } from '../../src/runtime/index.js';
import { type Built, buildCheck, feeds } from '../gradients/differences.js';
import { networkChecks } from '../gradients/network-checks.js';
import { tensorChecks } from '../gradients/tensor-checks.js';
import type { Comparison } from './optimizer-cases.js';

export const operationChecks = [...tensorChecks, ...networkChecks];

/**
 * Every operation and its gradients, in the form for WebGPU and there, beside the form for the CPU and there, by the name
 * of the check. In one session each: a third of the time that a session for each check takes.
 */
export async function compareOperations(): Promise<Map<string, Comparison[]>> {
  const built = operationChecks.map(buildCheck);
  const program = graph(new Map(built.flatMap((one) => [...outputsOf(one)])));
  const inputs = feeds(built);
  const gpu = await GpuSession.create(lower(program, 'webgpu'));
  const { host: actual } = await gpu.run(inputs);
  await gpu.dispose();
  const cpu = await CpuSession.create(lower(program, 'cpu'), { threads: 1 });
  const expected = await cpu.run(inputs);
  await cpu.dispose();
  return new Map(
    built.map((one) => [
      one.check.name,
      [...outputsOf(one).keys()].map((what) => ({
        what,
        actual: floats(actual.get(what)),
        expected: floats(expected.get(what)),
      })),
    ]),
  );
}

function outputsOf({ check, inputs, y, weights }: Built): Map<string, Tensor> {
  const wanted = inputs.filter((_, i) => check.inputs[i]?.wanted);
  const loss = reduceSum(
    mul(y, weights),
    y.shape.map((_, i) => i),
  );
  const outputs = new Map([[check.name, y]]);
  gradients(loss, wanted).forEach((gradient, i) => {
    if (gradient) outputs.set(`gradient ${i} of ${check.name}`, gradient);
  });
  return outputs;
}
