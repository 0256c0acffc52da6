import { UserError } from '../../common/errors.js';
import { inOneForm, labelProblem } from '../../common/labels.js';
import { printable } from '../../common/printable.js';
import type { LabelledCrop } from '../../learn/index.js';
import { type Change, type KeptClass, type KeptShot, ShotDatabase } from './shot-database.js';

/** A recorded face crop. */
export interface Shot {
  readonly id: string;
  /** When it was recorded, in milliseconds since 1970. */
  readonly time: number;
  /** The face crop in colour, a picture's file. */
  readonly picture: Blob;
}

/** A class and its shots, in the order in which they were recorded. */
export interface ShotClass {
  readonly id: string;
  readonly name: string;
  readonly shots: readonly Shot[];
}

export interface ShotsOptions {
  /** Name of the database; programs of one origin that share a name share the shots (default `poster-v2-shots`). */
  readonly name?: string;
}

/** Shots to add, by the name of their class. */
export interface NamedShot {
  readonly label: string;
  readonly picture: Blob;
  /** Default: now. */
  readonly time?: number;
}

/** Shots that one store holds at most: their pictures are listed in memory. */
const mostShots = 20_000;
const mostClasses = 200;

/**
 * Classes and their shots, kept by the browser (IndexedDB) until they are deleted. What cannot be kept, since storage is full or
 * forbidden, is held until the page is closed, and `problem` says so: it can be learned and exported all the same.
 *
 *     const shots = await Shots.open();
 *     await shots.add([{ label: 'bored', picture: crop }]);
 *     const learner = await Learner.create({ crops: shots.crops() });
 */
export class Shots {
  readonly #database: ShotDatabase | undefined;
  readonly #classes = new Map<string, KeptClass>();
  readonly #shots = new Map<string, KeptShot>();
  /** What could not be kept yet. */
  readonly #pending = new Map<string, KeptClass | KeptShot>();
  #problem: string | undefined;
  /** Changes are made one after the other. */
  #last: Promise<void> = Promise.resolve();

  private constructor(database: ShotDatabase | undefined, problem: string | undefined) {
    this.#database = database;
    this.#problem = problem;
  }

  /** Opens what is kept. Where the browser keeps nothing for this page, `problem` says so. */
  static async open({ name = 'poster-v2-shots' }: ShotsOptions = {}): Promise<Shots> {
    try {
      const database = await ShotDatabase.open(name);
      const shots = new Shots(database, undefined);
      const kept = await database.all();
      for (const one of kept.classes.toSorted((a, b) => a.time - b.time)) shots.#classes.set(one.id, one);
      for (const one of kept.shots.toSorted((a, b) => a.time - b.time)) {
        // Another page may have deleted its class in between.
        if (shots.#classes.has(one.classId)) shots.#shots.set(one.id, one);
      }
      return shots;
    } catch (error) {
      return new Shots(undefined, forbidden(error));
    }
  }

  /** Why something is not kept, in a sentence; undefined where everything is. */
  get problem(): string | undefined {
    return this.#problem;
  }

  /** All classes, the oldest first, also those without shots. */
  get classes(): readonly ShotClass[] {
    const shotsOf = new Map<string, Shot[]>([...this.#classes.keys()].map((id) => [id, []]));
    for (const { classId, ...shot } of this.#shots.values()) shotsOf.get(classId)?.push(shot);
    return [...this.#classes.values()].map(({ id, name }) => ({ id, name, shots: shotsOf.get(id) ?? [] }));
  }

  /** How many shots there are, of all classes. */
  get count(): number {
    return this.#shots.size;
  }

  /** All shots, as `Learner.create` takes them. */
  crops(): LabelledCrop[] {
    return this.classes.flatMap(({ name, shots }) => shots.map(({ picture }) => ({ crop: picture, label: name })));
  }

  /**
   * Makes a class without shots.
   * @throws UserError where there is one of that name, or no checkpoint can hold the name
   */
  async addClass(name: string): Promise<ShotClass> {
    const made = this.#newClass(name);
    await this.#change({ classes: [made] });
    return { id: made.id, name: made.name, shots: [] };
  }

  /** @throws UserError as `addClass`, or where there is no such class */
  async renameClass(id: string, name: string): Promise<void> {
    const found = this.#classes.get(id);
    if (found === undefined) throw gone();
    const wanted = this.#checkedName(name, id);
    if (wanted !== found.name) await this.#change({ classes: [{ ...found, name: wanted }] });
  }

  /** Deletes a class with its shots. */
  async deleteClass(id: string): Promise<void> {
    const shots = [...this.#shots.values()].filter(({ classId }) => classId === id).map((shot) => shot.id);
    await this.#change({ without: { classes: [id], shots } });
  }

  /**
   * Adds shots, all or none; classes that there are not yet are made.
   * @throws UserError where a name cannot be, or there are too many; then nothing is added
   */
  async add(shots: readonly NamedShot[]): Promise<void> {
    if (this.#shots.size + shots.length > mostShots) {
      throw new UserError(`There is room for ${mostShots} pictures; delete some of the ${this.#shots.size} first.`);
    }
    const classes = new Map([...this.#classes.values()].map((one) => [one.name, one]));
    const made: KeptClass[] = [];
    const added = shots.map(({ label, picture, time = Date.now() }, i): KeptShot => {
      let found = classes.get(nameOf(label));
      if (found === undefined) {
        found = this.#newClass(label, made.length);
        classes.set(found.name, found);
        made.push(found);
      }
      return { id: newId(), classId: found.id, time: time + i / 1000, picture };
    });
    await this.#change({ classes: made, shots: added });
  }

  async deleteShots(ids: readonly string[]): Promise<void> {
    await this.#change({ without: { shots: ids } });
  }

  /** Deletes all classes and shots. */
  async clear(): Promise<void> {
    await this.#change({ empty: true });
  }

  /** Lets the database go, once what is under way has been kept. */
  async close(): Promise<void> {
    await this.#last;
    this.#database?.close();
  }

  #newClass(name: string, others = 0): KeptClass {
    if (this.#classes.size + others >= mostClasses) {
      throw new UserError(`There is room for ${mostClasses} classes; delete one first.`);
    }
    return { id: newId(), name: this.#checkedName(name), time: Date.now() + others / 1000 };
  }

  #checkedName(name: string, own?: string): string {
    const wanted = nameOf(name);
    const problem = wanted === '' ? 'it is empty' : labelProblem(wanted);
    if (problem !== undefined) {
      throw new UserError(`A class cannot be called '${printable(wanted, 60)}': ${problem}; name it otherwise.`);
    }
    const same = [...this.#classes.values()].find((one) => one.name === wanted && one.id !== own);
    if (same !== undefined) {
      throw new UserError(`There is a class '${printable(wanted, 60)}' already; give this one another name.`);
    }
    return wanted;
  }

  /** Here at once, then in the database: what is not kept is tried again with the next change. */
  #change(change: Change): Promise<void> {
    if (change.empty === true) for (const map of [this.#classes, this.#shots, this.#pending]) map.clear();
    for (const id of change.without?.classes ?? []) this.#classes.delete(id);
    for (const id of change.without?.shots ?? []) this.#shots.delete(id);
    for (const id of [...(change.without?.classes ?? []), ...(change.without?.shots ?? [])]) this.#pending.delete(id);
    for (const one of change.classes ?? []) this.#classes.set(one.id, one);
    for (const one of change.shots ?? []) this.#shots.set(one.id, one);
    if (this.#database !== undefined)
      for (const one of [...(change.classes ?? []), ...(change.shots ?? [])]) this.#pending.set(one.id, one);
    this.#last = this.#last.then(() => this.#keep(change));
    return this.#last;
  }

  async #keep({ without = {}, empty = false }: Change): Promise<void> {
    const database = this.#database;
    if (database === undefined) return;
    try {
      // Room is made first, whether or not what waits can be kept.
      if (empty || without.classes !== undefined || without.shots !== undefined)
        await database.change({ without, empty });
      const waiting = [...this.#pending.values()];
      if (waiting.length > 0) {
        await database.change({
          classes: waiting.filter((one) => 'name' in one),
          shots: waiting.filter((one) => 'picture' in one),
        });
      }
      for (const { id } of waiting) this.#pending.delete(id);
      if (this.#pending.size === 0) this.#problem = undefined;
    } catch (error) {
      const count = [...this.#pending.values()].filter((one) => 'picture' in one).length;
      this.#problem = full(count, error);
    }
  }
}

const nameOf = (name: string): string => inOneForm(name.trim());

const gone = (): UserError => new UserError('This class has been deleted; choose another.');

/** Pages of http: have no `randomUUID`. */
const newId = (): string =>
  [...crypto.getRandomValues(new Uint8Array(12))].map((byte) => byte.toString(16).padStart(2, '0')).join('');

const reasonOf = (error: unknown): string => printable(error instanceof Error ? error.name : String(error), 100);

const forbidden = (error: unknown): string =>
  `This browser keeps nothing for this page (${reasonOf(error)}), as in a private window: what you record is here until the page is closed; export it to keep it.`;

const full = (count: number, error: unknown): string =>
  `The browser could not keep ${count} of the pictures (${reasonOf(error)}): they are here until the page is closed; delete some others, or export all.`;
