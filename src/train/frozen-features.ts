import { entryOf, itemAt } from '../common/item-at.js';
import type { Graph } from '../graph/index.js';
import { type CpuOptions, CpuSession, floats, type HostTensor, hostTensor } from '../runtime/index.js';
import { joined } from './joined.js';
import { names } from './program.js';

/** What is kept takes no more bytes; what comes then is computed each time. */
const mostBytes = 256 * 2 ** 20;

/** Of one picture, a row for each feature. */
type Rows = readonly Float32Array[];

/** What frozen parts make of pictures: computed by a session of its own, and kept for pictures that have keys. */
export class FrozenFeatures {
  readonly #session: CpuSession;
  /** Dimensions of each feature of one picture, by name. */
  readonly #dims: ReadonlyMap<string, readonly number[]>;
  readonly #kept = new Map<string, Rows>();
  #bytes = 0;

  private constructor(session: CpuSession, program: Graph) {
    this.#session = session;
    this.#dims = new Map([...program.outputs].map(([name, { shape }]) => [name, shape.slice(1).map(Number)]));
  }

  static async create(program: Graph, options: CpuOptions): Promise<FrozenFeatures> {
    return new FrozenFeatures(await CpuSession.create(program, options), program);
  }

  /** @param images [n, C, S, S] */
  async of(images: HostTensor, keys: readonly string[] | undefined): Promise<ReadonlyMap<string, HostTensor>> {
    if (keys === undefined) return this.#session.run(new Map([[names.images, images]]));
    const lacking = [...keys.keys()].filter((i) => !this.#kept.has(itemAt(keys, i)));
    const computed = lacking.length === 0 ? new Map<number, Rows>() : await this.#compute(images, lacking);
    for (const [i, rows] of computed) this.#keep(itemAt(keys, i), rows);
    const all = keys.map((key, i) => this.#kept.get(key) ?? entryOf(computed, i));
    return new Map(
      [...this.#dims].map(([name, dims], feature) => {
        const rows = all.map((of) => itemAt(of, feature));
        return [name, hostTensor('float32', joined(rows), [rows.length, ...dims])];
      }),
    );
  }

  /** Of some of the pictures, by their index. */
  async #compute({ data, dims }: HostTensor, wanted: readonly number[]): Promise<Map<number, Rows>> {
    const pixels = dims.slice(1).reduce((product, dim) => product * dim, 1);
    const images = joined(wanted.map((i) => (data as Float32Array).subarray(i * pixels, (i + 1) * pixels)));
    const fed = hostTensor('float32', images, [wanted.length, ...dims.slice(1)]);
    const outputs = await this.#session.run(new Map([[names.images, fed]]));
    const features = [...this.#dims.keys()].map((name) => floats(outputs.get(name)));
    return new Map(
      wanted.map((i, at) => [
        i,
        features.map((values) => {
          const size = values.length / wanted.length;
          return values.slice(at * size, (at + 1) * size);
        }),
      ]),
    );
  }

  #keep(key: string, rows: Rows): void {
    const bytes = rows.reduce((sum, { byteLength }) => sum + byteLength, 0);
    if (this.#bytes + bytes > mostBytes) return;
    this.#kept.set(key, rows);
    this.#bytes += bytes;
  }

  async dispose(): Promise<void> {
    this.#kept.clear();
    await this.#session.dispose();
  }
}
