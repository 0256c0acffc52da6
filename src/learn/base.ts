import { host } from '#host';
import { UserError } from '../common/errors.js';
import type { FileSource } from '../common/file-source.js';
import { type AssumedModel, buildInference, resolveDescription } from '../models/index.js';
import {
  describeMismatch,
  isParameter,
  type ModelCheckpoint,
  matchParameters,
  parseDescription,
  requireFinite,
  shapesOf,
  toFloat32,
} from '../safetensors/index.js';

/**
 * The weights to begin with, in memory.
 * @param source a path on Node, an address in browsers, or the bytes of a file. Default: those that come with the package
 * @param assumed what a file that does not say it itself holds
 * @throws UserError where the file cannot be read, or its tensors are not those of the network that it names.
 */
export async function readBase(source?: FileSource, assumed?: AssumedModel): Promise<ModelCheckpoint> {
  return host.withCheckpoint(source ?? (await host.bundledCheckpoint()), async ({ path, metadata, tensors, read }) => {
    const weights = new Map([...tensors].filter(([name, entry]) => isParameter(name, entry)));
    const shapes = shapesOf(weights);
    const { description, network } = resolveDescription(path, parseDescription(metadata, path), shapes, assumed);
    const { parameters } = buildInference(network);
    const ignore = (name: string): boolean => !parameters.has(name);
    const problem = describeMismatch(matchParameters(shapesOf(parameters), shapes, { ignore }), path);
    if (problem !== undefined) throw new UserError(problem);
    const found = await read(new Set(parameters.keys()));
    const { model, labels, preprocessing } = description;
    return {
      model,
      labels,
      preprocessing,
      parameters: new Map(
        [...found].map(([name, tensor]) => {
          const data = toFloat32(tensor, name);
          requireFinite(data, name, path);
          return [name, { shape: tensor.shape, data }];
        }),
      ),
    };
  });
}
