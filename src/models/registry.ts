import { UserError } from '../common/errors.js';
import { printable } from '../common/printable.js';
import type { ConfiguredNetwork, NetworkFamily, NetworkVariant } from './configured-network.js';
import * as networks from './networks.js';

/** All networks. */
export const networkFamilies: readonly NetworkFamily[] = Object.values(networks);

/** All names that `model.name` can have in what this version writes. */
export const modelNames: readonly string[] = networkFamilies.flatMap(({ variants }) =>
  variants.map(({ name }) => name),
);

/** What a run trains that names neither a network nor a dataset. */
export const defaultModel = 'poster-v2-nano';

/** What a run trains that names a published dataset and no network. */
export const publishedModel = 'poster-v2';

/** @throws UserError when there is no such network. */
export function modelNamed(name: string): NetworkVariant {
  const found = networkFamilies.flatMap(({ variants }) => variants).find((variant) => variant.name === name);
  if (found !== undefined) return found;
  throw new UserError(`There is no model called '${printable(name)}': choose one of ${modelNames.join(', ')}.`);
}

/**
 * The network that a checkpoint says it holds. Its name decides; one that is none of ours was always allowed for a
 * POSTER V2, and is taken for whatever has such a configuration.
 * @throws UserError where there is no such network, or the configuration is none of it.
 */
export function parseNetwork(
  { name, config }: { readonly name: string; readonly config: unknown },
  source: string,
): ConfiguredNetwork {
  const named = networkFamilies.find(({ variants }) => variants.some((variant) => variant.name === name));
  const family = named ?? networkFamilies.find((one) => one.accepts(config)) ?? modelNamed(defaultModel).network.family;
  return family.parse(name, config, source);
}
