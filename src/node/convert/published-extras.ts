import { isDeepStrictEqual } from 'node:util';
import { UserError } from '../../common/errors.js';
import { random } from '../../common/random.js';
import type { ConfiguredNetwork, IntegerBuffer } from '../../models/index.js';
import { initialize } from '../../nn/index.js';
import { bytesOf, fromFloat32, type Tensor } from '../../safetensors/index.js';
import type { Source } from './source.js';

/** PyTorch's integer buffers of a checkpoint: its own where it has them. */
export function buffersOf({ network, rest }: Source, names: readonly string[]): Map<string, Tensor> {
  const buffers = new Map<string, Tensor>();
  for (const { name, shape, data } of names.flatMap((one) => integerBuffers(network, one))) {
    const own = rest.get(name);
    buffers.set(name, own?.dtype === 'I64' ? own : { dtype: 'I64', shape, data: bytesOf(data) });
  }
  return buffers;
}

/** Integer buffers that go with a parameter: `num_batches_tracked` of a BatchNorm is 0, since it is only read without a momentum. */
function integerBuffers({ published }: ConfiguredNetwork, parameter: string): readonly IntegerBuffer[] {
  const own = [...(published?.integerBuffers([parameter]).values() ?? [])];
  if (!parameter.endsWith('.running_var')) return own;
  const name = parameter.replace(/running_var$/, 'num_batches_tracked');
  return [...own, { name, shape: [], data: BigInt64Array.of(0n) }];
}

/** What the published network registers and never reads. */
export interface DeadTensors {
  readonly tensors: ReadonlyMap<string, Tensor>;
  /** Names of those that the checkpoint does not have: first values as PyTorch draws them. */
  readonly drawn: readonly string[];
}

/**
 * The tensors that the published network registers and never reads, the checkpoint's own where it has them.
 * @throws UserError where the published code has no such network, so that nothing would read them.
 */
export function deadTensorsOf({ network, rest, path }: Source): DeadTensors {
  const { published } = network;
  if (published?.exists !== true) {
    throw new UserError(
      `Dead tensors belong to the published network, and ${path} holds one of other sizes, which the published code does not have; leave them out.`,
      'input',
      { settings: ['deadTensors'] },
    );
  }
  const tensors = new Map<string, Tensor>();
  const drawn: string[] = [];
  for (const spec of published.unread().values()) {
    const { name, shape } = spec;
    const own = rest.get(name);
    if (own !== undefined && isDeepStrictEqual(own.shape, shape)) tensors.set(name, own);
    else {
      tensors.set(name, fromFloat32({ shape, data: initialize(spec, random(0, 'dead tensor', name)) }));
      drawn.push(name);
    }
  }
  return { tensors, drawn };
}
