import { itemAt } from '../../../common/item-at.js';
import type { ByteSource } from '../../../safetensors/byte-source.js';
import { descriptionKey } from '../../../safetensors/description-key.js';
import { elementBytes, isNumberDtype, type Tensor, toFloat64 } from '../../../safetensors/tensor.js';
import { publishRefused } from '../refused.js';
import { type Extra, extraOf } from './extra.js';
import { entryOf, isObject, type PickleTensor, type PickleValue } from './pickle-values.js';
import type { PthFile } from './pth-file.js';
import { openLegacy } from './pth-legacy.js';
import { checkTensor, dtypeOf, type PthEntry, readTensors } from './pth-tensors.js';
import { openZip } from './pth-zip.js';
import { findStateDict } from './state-dict.js';

export type { Extra } from './extra.js';

/** The weights in a PyTorch file, and the rest. */
export interface PthCheckpoint {
  /** What this project adds when it writes such files, under the keys of a safetensors file's metadata. */
  readonly metadata: ReadonlyMap<string, string>;
  readonly entries: ReadonlyMap<string, PthEntry>;
  readonly extra: Extra;
  readonly refused: readonly string[];
  read(wanted: ReadonlySet<string>): Promise<ReadonlyMap<string, Tensor>>;
}

/** @throws UserError when the file is damaged or holds no weights. */
export async function openPth(file: ByteSource, format: PthFile['format']): Promise<PthCheckpoint> {
  const pth = await (format === 'pth-zip' ? openZip(file) : openLegacy(file));
  publishRefused(pth.refused, file.path);
  const { dict, tensors } = findStateDict(pth.root, file.path);
  const entries = new Map([...tensors].map(([name, tensor]) => [name, checkTensor(file.path, name, tensor)]));
  const weights = new Set<PickleValue>(tensors.values());
  const bare = pth.root === dict;
  const description = entryOf(pth.root, descriptionKey);
  const metadata = new Map(typeof description === 'string' ? [[descriptionKey, description]] : []);
  const omit = (value: PickleValue): boolean => (bare ? weights.has(value) : value === dict);
  return {
    metadata,
    entries,
    extra: extraOf(withoutDescription(pth.root), omit, await scalarsOf(file, pth, weights)),
    refused: pth.refused,
    read: (wanted) => readTensors(file, pth, new Map([...entries].filter(([name]) => wanted.has(name)))),
  };
}

/** By its key: comparing all texts of a file with it would take as long as they are. */
function withoutDescription(root: PickleValue): PickleValue {
  if (!isObject(root) || root.kind !== 'dict' || !root.entries.has(descriptionKey)) return root;
  return { kind: 'dict', entries: new Map([...root.entries].filter(([key]) => key !== descriptionKey)) };
}

/** Numbers that were saved as tensors beside the weights, such as `best_acc`. */
async function scalarsOf(
  file: ByteSource,
  pth: PthFile,
  weights: ReadonlySet<PickleValue>,
): Promise<Map<PickleTensor, number>> {
  const scalars = new Map<PickleTensor, number>();
  if (!isObject(pth.root) || pth.root.kind !== 'dict') return scalars;
  for (const [name, value] of [...pth.root.entries].slice(0, 64)) {
    if (weights.has(value)) continue;
    if (!isObject(value) || value.kind !== 'tensor' || value.shape.some((size) => size !== 1)) continue;
    const dtype = dtypeOf(value);
    if (dtype === undefined || !isNumberDtype(dtype)) continue;
    const entry = checkTensor(file.path, String(name), value);
    const tensor = (await readTensors(file, pth, new Map([['', entry]]))).get('');
    if (tensor?.data.byteLength === elementBytes[entry.dtype]) scalars.set(value, itemAt(toFloat64(tensor), 0));
  }
  return scalars;
}
