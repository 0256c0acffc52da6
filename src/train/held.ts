import type { Shapes } from '../optim/index.js';
import { type DeviceTensor, downloadAll, floats, type HostTensor, hostTensor, uploadAll } from '../runtime/index.js';

/** Tensors that stay on the device from step to step, by name. */
export type Held = Map<string, DeviceTensor>;

export function toDevice(shapes: Shapes, values: ReadonlyMap<string, Float32Array | undefined>): Promise<Held> {
  return uploadAll(
    new Map(
      [...shapes].map(([name, shape]) => {
        const data = values.get(name);
        if (data === undefined) throw new Error(`no values for ${name}`);
        return [name, hostTensor('float32', data, shape)];
      }),
    ),
  );
}

export async function toHost(held: Held): Promise<Map<string, Float32Array>> {
  return new Map([...(await downloadAll(held))].map(([name, tensor]) => [name, floats(tensor)]));
}

/** Puts an output in the place of each tensor, which is disposed of. */
export function replace(
  held: Held,
  outputs: ReadonlyMap<string, DeviceTensor>,
  called: (name: string) => string,
): void {
  for (const [name, old] of held) {
    const next = output(outputs, called(name));
    old.dispose();
    held.set(name, next);
  }
}

export function output(outputs: ReadonlyMap<string, DeviceTensor>, name: string): DeviceTensor {
  const tensor = outputs.get(name);
  if (tensor === undefined) throw new Error(`the graph put out no ${name}`);
  return tensor;
}

export function prefixed(prefix: string, held: Held): [string, DeviceTensor][] {
  return [...held].map(([name, tensor]) => [prefix + name, tensor]);
}

export const scalar = (value: number): HostTensor => hostTensor('float32', Float32Array.of(value), []);
