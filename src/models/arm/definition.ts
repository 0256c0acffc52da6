import { imagenetMean, imagenetStd } from '../../common/preprocessing.js';
import { type ConfiguredNetwork, networkFamily } from '../configured-network.js';
import { classLimits } from '../network-definition.js';
import { type ArmConfig, arm, armConfig, armNanoConfig, armSchema, checkArmConfig } from './arm.js';
import { armDatasetRecipes, armNanoRecipe, armPublishedRecipe, armRecipe } from './recipes.js';

export const armFamily = networkFamily<ArmConfig>({
  title: 'ARM',
  reference: 'arXiv 2103.10189',
  className: 'Arm',
  variants: [
    {
      name: 'arm',
      summary: 'ResNet-18 with the amend-representation module as published: 224x224 RGB, 11.2M parameters',
      config: armConfig,
      normalisation: { mean: imagenetMean, std: imagenetStd },
      recipe: armRecipe,
    },
    {
      name: 'arm-nano',
      summary: 'ARM with small numbers, trained from nothing: 48x48 gray, 0.2M parameters',
      config: armNanoConfig,
      normalisation: { mean: [0.5], std: [0.25] },
      recipe: armNanoRecipe,
    },
  ],
  schema: armSchema,
  check: checkArmConfig,
  build: arm,
  head: 'fc',
  features: 'flat',
  anchors: ['features.0.weight'],
  acrossBatch: 'the mean features of its batch',
  published: {
    has: (config) => sizesOf(config) === sizesOf(armConfig),
    // Everything that it registers is read.
    unread: () => new Map(),
    isUnread: () => false,
    recipe: armPublishedRecipe,
    datasetRecipes: armDatasetRecipes,
  },
});

/** An ARM of these sizes. */
export function armNetwork(config: ArmConfig): ConfiguredNetwork {
  return armFamily.parse('arm', config);
}

/** The sizes in one form, for any number of classes. */
function sizesOf(config: ArmConfig): string {
  return JSON.stringify(armSchema.parse({ ...config, numClasses: classLimits.least }));
}
