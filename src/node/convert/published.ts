import { isDeepStrictEqual } from 'node:util';
import { UserError } from '../../common/errors.js';
import { random } from '../../common/random.js';
import {
  deadTensors,
  integerBuffers,
  landmarkHeadTensors,
  type PosterV2Config,
  posterV2Config,
} from '../../models/index.js';
import { initialize } from '../../nn/index.js';
import { bytesOf, fromFloat32, type Tensor } from '../../safetensors/index.js';
import type { Source } from './source.js';

/** Whether the published code has this network: its sizes, for any number of classes. */
export function isPublishedNetwork(config: PosterV2Config): boolean {
  const plain = (one: PosterV2Config): object => ({
    ...one,
    numClasses: 0,
    landmark: one.landmark === 'none' ? 'none' : { ...one.landmark, training: 'frozen' },
    attention: one.attention.map((scale) => ({ ...scale, dropPath: 0 })),
  });
  return isDeepStrictEqual(plain(config), plain(posterV2Config));
}

/** PyTorch's integer buffers of a checkpoint: its own where it has them. */
export function buffersOf({ config, rest }: Source, names: Iterable<string>): Map<string, Tensor> {
  const buffers = new Map<string, Tensor>();
  for (const { name, shape, data } of integerBuffers(config, names).values()) {
    const own = rest.get(name);
    buffers.set(name, own?.dtype === 'I64' ? own : { dtype: 'I64', shape, data: bytesOf(data) });
  }
  return buffers;
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
export function deadTensorsOf({ config, rest, path }: Source): DeadTensors {
  if (!isPublishedNetwork(config)) {
    throw new UserError(
      `Dead tensors belong to the published network, and ${path} holds one of other sizes, which the published code does not have; leave them out.`,
      'input',
      { settings: ['deadTensors'] },
    );
  }
  const tensors = new Map<string, Tensor>();
  const drawn: string[] = [];
  for (const spec of [...deadTensors.values(), ...landmarkHeadTensors(config).values()]) {
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
