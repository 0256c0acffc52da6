/*
 * Ablations as studies: a network names the variants of itself that a study compares.
 */
import { UserError } from '../common/errors.js';
import { modelNamed, networkFamilies } from './registry.js';
import type { StudyArm, StudyName } from './study-names.js';

/**
 * What a study compares on a network: the network as it is first, then its ablations.
 * @param model a variant's name
 * @throws UserError where the network has no such ablation: those it has, and the networks that have it.
 */
export function studyArms(model: string, study: StudyName): readonly StudyArm[] {
  const { name, network } = modelNamed(model);
  const studies = network.family.studiesOf(name);
  const arms = studies.get(study);
  if (arms !== undefined) return arms;
  const own = [...studies.keys()];
  const others = networkFamilies.flatMap(({ variants, studiesOf }) =>
    variants.map((variant) => variant.name).filter((other) => studiesOf(other).has(study)),
  );
  const has = own.length === 0 ? 'it has none' : `it has ${own.join(', ')}`;
  throw new UserError(`${name} has no ablation ${study}: ${has}; ${study} is of ${others.join(', ')}.`, 'usage', {
    settings: ['model'],
  });
}
