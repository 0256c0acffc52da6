import { type ConfiguredNetwork, modelNamed, type Profile, profile } from '../models/index.js';
import { formatTable } from '../node/report/index.js';
import { grouped } from './context.js';

/** A network in a table of several. */
interface Compared {
  readonly name: string;
  readonly counted: Profile;
}

/** Counts several networks, all for as many classes. */
export function compared(names: readonly string[], numClasses: number): Compared[] {
  return [...new Set(names)].map((name) => ({ name, counted: profile(sized(name, numClasses)) }));
}

const sized = (name: string, numClasses: number): ConfiguredNetwork => modelNamed(name).network.withClasses(numClasses);

export function comparisonDocument(networks: readonly Compared[], numClasses: number): object {
  return {
    classes: numClasses,
    networks: networks.map(({ name, counted: { parameters, macs, executed } }) => ({
      model: name,
      parameters: {
        registered: parameters.published ?? null,
        reachingLogits: parameters.reachingLogits,
        trained: parameters.trained,
      },
      multiplyAccumulates: {
        layers: macs.layers,
        attention: macs.attention,
        executed: executed.layers + executed.attention,
      },
      flops: 2 * (macs.layers + macs.attention),
    })),
  };
}

export function comparisonText(networks: readonly Compared[], numClasses: number): string {
  const table = formatTable([
    ['network', 'registered', 'reach the logits', 'trained', 'MACs, layers', 'MACs, attention', 'MACs run here'],
    ...networks.map(({ name, counted: { parameters, macs, executed } }) => [
      name,
      parameters.published === undefined ? '' : grouped(parameters.published),
      grouped(parameters.reachingLogits),
      grouped(parameters.trained),
      grouped(macs.layers),
      grouped(macs.attention),
      grouped(executed.layers + executed.attention),
    ]),
  ]);
  return `${table}\n\nParameters and multiply-accumulates (MACs) of one picture, for ${numClasses} classes. One MAC is two floating-point operations (FLOPs).`;
}
