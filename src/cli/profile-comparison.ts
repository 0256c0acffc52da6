import { modelNamed, type Profile, profile, type StatedCost } from '../models/index.js';
import { type NetworkTime, timeNetwork } from '../node/measure/index.js';
import { formatTable } from '../node/report/index.js';
import { grouped } from './context.js';

/** A network in a table of several. */
interface Compared {
  readonly name: string;
  readonly counted: Profile;
  readonly stated: StatedCost | undefined;
  readonly time: NetworkTime | undefined;
}

/** How networks are timed, if they are. */
interface Timing {
  readonly threads: number | undefined;
  readonly onNetwork: (name: string) => void;
}

/** Counts several networks, all for as many classes, and times them where that is asked for. */
export async function compared(names: readonly string[], numClasses: number, timing?: Timing): Promise<Compared[]> {
  const networks: Compared[] = [];
  for (const name of new Set(names)) {
    const variant = modelNamed(name);
    const network = variant.network.withClasses(numClasses);
    timing?.onNetwork(name);
    const time = timing === undefined ? undefined : await timeNetwork(variant, network, timing.threads);
    networks.push({ name, counted: profile(network), stated: variant.stated, time });
  }
  return networks;
}

export function comparisonDocument(networks: readonly Compared[], numClasses: number): object {
  return {
    classes: numClasses,
    networks: networks.map(({ name, counted, stated, time }) => {
      const { parameters, macs, executed, activations } = counted;
      return {
        model: name,
        parameters: {
          registered: parameters.published ?? null,
          reachingLogits: parameters.reachingLogits,
          trained: parameters.trained,
        },
        multiplyAccumulates: {
          layers: macs.layers,
          convolutions: macs.convolutions,
          linear: macs.layers - macs.convolutions,
          attention: macs.attention,
          executed: executed.layers + executed.attention,
        },
        flops: 2 * (macs.layers + macs.attention),
        activationBytes: activations,
        stated: stated === undefined ? null : { ...stated, unit: unitOf(stated, counted) ?? null },
        ...(time === undefined ? {} : { seconds: { forward: time.forward, trainingStep: time.step } }),
      };
    }),
  };
}

/** What stated `FLOPs` must be, within 5%; undefined where they are neither. */
function unitOf({ flops }: StatedCost, { macs }: Profile): 'multiply-accumulates' | 'operations' | undefined {
  if (flops === undefined) return undefined;
  const all = macs.layers + macs.attention;
  const isNear = (count: number): boolean => Math.abs(flops / count - 1) < 0.05;
  if (isNear(all)) return 'multiply-accumulates';
  return isNear(2 * all) ? 'operations' : undefined;
}

export function comparisonText(networks: readonly Compared[], numClasses: number): string {
  const counts = formatTable([
    ['network', 'registered', 'reach the logits', 'trained', 'convolutions', 'linear', 'attention', 'run here'],
    ...networks.map(({ name, counted: { parameters, macs, executed } }) => [
      name,
      parameters.published === undefined ? '' : grouped(parameters.published),
      grouped(parameters.reachingLogits),
      grouped(parameters.trained),
      grouped(macs.convolutions),
      grouped(macs.layers - macs.convolutions),
      grouped(macs.attention),
      grouped(executed.layers + executed.attention),
    ]),
  ]);
  const isTimed = networks.some(({ time }) => time !== undefined);
  const costs = formatTable([
    ['network', 'at once, MiB', 'all, MiB', ...(isTimed ? ['forward 1, s', 'forward 8, s', 'training step 8, s'] : [])],
    ...networks.map(({ name, counted: { activations }, time }) => [
      name,
      mebibytes(activations.peak),
      mebibytes(activations.all),
      ...(time === undefined ? [] : [time.forward[1], time.forward[8], time.step].map(seconds)),
    ]),
  ]);
  return [
    counts,
    '',
    `Parameters; then multiply-accumulates (MACs) of one picture, for ${numClasses} classes. One MAC is two floating-point operations (FLOPs).`,
    ...networks.flatMap(({ name, stated, counted }) => (stated === undefined ? [] : statedLine(name, stated, counted))),
    '',
    costs,
    '',
    'Results of operations of one picture, float32: those that exist at once in recognising, and all together.',
    ...(isTimed ? ['Times on the CPU with first values, medians of 5; a training step is of Adam, without SAM.'] : []),
  ].join('\n');
}

function statedLine(name: string, stated: StatedCost, counted: Profile): string {
  const { where, parameters, flops } = stated;
  const millions = `${where} says ${(parameters / 1e6).toFixed(1)}M parameters`;
  if (flops === undefined) return `${name}: ${millions}.`;
  const unit = unitOf(stated, counted);
  const meaning = unit === undefined ? 'neither MACs nor operations as counted here' : `which are ${unit}`;
  return `${name}: ${millions} and ${(flops / 1e9).toFixed(1)} G FLOPs, ${meaning}.`;
}

const mebibytes = (bytes: number): string => (bytes / 2 ** 20).toFixed(1);
const seconds = (value: number): string => value.toFixed(3);
