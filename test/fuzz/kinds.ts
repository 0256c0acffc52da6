import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { UserError } from '../../src/common/errors.js';
import { random } from '../../src/common/random.js';
import { openCheckpointFile } from '../../src/node/checkpoints/index.js';
import { memoryLimit } from '../../src/node/checkpoints/pth/pth-tensors.js';
import type { ByteSource } from '../../src/safetensors/byte-source.js';
import {
  decodeParameters,
  decodeTrainState,
  elementBytes,
  elementCount,
  parseDescription,
  type Tensor,
} from '../../src/safetensors/index.js';
import {
  anyDocument,
  anyLegacy,
  anySafetensors,
  anyZip,
  largeHeader,
  type Mutation,
  moveInLegacy,
  moveInZip,
  pick,
} from './mutations.js';

const fixture = (name: string): Buffer =>
  readFileSync(fileURLToPath(new URL(`../../../test/fixtures/checkpoints/${name}`, import.meta.url)));

/** A file that is in memory. */
export function memoryFile(path: string, bytes: Uint8Array): ByteSource {
  const read = async (offset: number, length: number): Promise<Uint8Array<ArrayBuffer>> => {
    if (!(offset >= 0 && length >= 0)) throw new RangeError(`read(${offset}, ${length})`);
    if (offset + length > bytes.byteLength) throw new UserError(`${path} ends early.`);
    return new Uint8Array(bytes.subarray(offset, offset + length));
  };
  return {
    path,
    size: bytes.byteLength,
    read,
    readInto: async (into, offset) => into.set(await read(offset, into.byteLength)),
  };
}

export interface Kind {
  readonly name: string;
  readonly path: string;
  readonly seeds: readonly Buffer[];
  readonly mutate: Mutation;
}

export const kinds: readonly Kind[] = [
  {
    name: 'PyTorch, zip',
    path: 'fuzz.pth',
    seeds: ['state-zip.pth', 'training-zip.pth', 'evil-zip.pth'].map(fixture),
    mutate: anyZip,
  },
  {
    name: 'PyTorch, old',
    path: 'fuzz.pth.tar',
    seeds: ['state-legacy.pth.tar', 'training-legacy.pth', 'evil-legacy.pth'].map(fixture),
    mutate: anyLegacy,
  },
  {
    name: 'safetensors',
    path: 'fuzz.safetensors',
    seeds: [fixture('model.safetensors')],
    mutate: anySafetensors,
  },
  { name: 'zip, moves', path: 'fuzz.pth', seeds: [fixture('state-zip.pth')], mutate: moveInZip },
  { name: 'old, moves', path: 'fuzz.pth.tar', seeds: [fixture('state-legacy.pth.tar')], mutate: moveInLegacy },
  { name: 'large headers', path: 'fuzz.safetensors', seeds: [fixture('model.safetensors')], mutate: largeHeader },
  { name: 'training state', path: 'last.safetensors', seeds: [fixture('last.safetensors')], mutate: anyDocument },
];

export type Outcome = 'read' | 'refused';

/**
 * Mutation number `i` of a kind, read as commands read checkpoints.
 * @throws Error when anything happens but a sentence for the user or tensors within the stated memory.
 */
export async function tryOne(kind: Kind, seed: number, i: number): Promise<Outcome> {
  const stream = random(seed, kind.name, i);
  const bytes = kind.mutate(pick(stream, kind.seeds), stream);
  try {
    await readAll(kind.path, bytes);
    return 'read';
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    if (/\p{Cc}/u.test(error.message) || error.message.length > 2000) {
      throw new Error(`not a sentence for a terminal: ${JSON.stringify(error.message.slice(0, 300))}`);
    }
    return 'refused';
  }
}

async function readAll(path: string, bytes: Buffer): Promise<void> {
  const file = memoryFile(path, bytes);
  const opened = await openCheckpointFile(file);
  for (const refused of opened.refused) {
    if (/\p{Cc}/u.test(refused)) throw new Error(`control characters: ${JSON.stringify(refused)}`);
  }
  if (JSON.stringify(opened.extra).length > 64 * 1024 * 1024) throw new Error('a description without end');
  const tensors = await opened.read(new Set(opened.tensors.keys()));
  checkTensors(tensors, memoryLimit(file.size));
  decodeParameters(tensors);
  parseDescription(opened.metadata, path);
  if (path.startsWith('last')) decodeTrainState({ metadata: opened.metadata, tensors }, path);
}

function checkTensors(tensors: ReadonlyMap<string, Tensor>, limit: number): void {
  let total = 0;
  for (const [name, { dtype, shape, data }] of tensors) {
    if (data.byteLength !== elementCount(shape) * elementBytes[dtype]) throw new Error(`${name} is not its shape`);
    total += data.byteLength;
  }
  if (total > limit) throw new Error(`${total} bytes of tensors, above the limit of ${limit}`);
}
