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

/** What is deleted here, and not yet in the database. */
interface Removals {
  /** Everything goes first. */
  readonly empty: boolean;
  readonly classes: readonly string[];
  readonly shots: readonly string[];
}

const noRemovals: Removals = { empty: false, classes: [], shots: [] };

/**
 * Classes and their shots, kept by the browser (IndexedDB) until they are deleted. What cannot be kept, since storage is full or
 * forbidden, is held until the page is closed, and `problem` says so: it can be learned and exported all the same. What cannot be
 * deleted there is gone here, and `isDeletionPending` says so.
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
  #removals = noRemovals;
  /** Whether that was tried already. */
  #isDeletionPending = false;
  /** Ids of shots that the browser kept, and deleted without being asked here. */
  readonly #lost = new Set<string>();
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

  /** Why something is not kept, or not deleted, in a sentence; undefined where all is well. */
  get problem(): string | undefined {
    return this.#problem;
  }

  /** Whether the browser still keeps something that was deleted here. The next change, such as `clear`, tries again. */
  get isDeletionPending(): boolean {
    return this.#isDeletionPending;
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

  /** Here at once, then in the database: what is not kept, or not deleted, is tried again with the next change. */
  #change({ without: { classes = [], shots = [] } = {}, empty = false, ...added }: Change): Promise<void> {
    if (empty) for (const one of [this.#classes, this.#shots, this.#pending, this.#lost]) one.clear();
    for (const id of classes) this.#classes.delete(id);
    for (const id of shots) this.#shots.delete(id);
    for (const id of [...classes, ...shots]) for (const one of [this.#pending, this.#lost]) one.delete(id);
    for (const one of added.classes ?? []) this.#classes.set(one.id, one);
    for (const one of added.shots ?? []) this.#shots.set(one.id, one);
    if (this.#database === undefined) return this.#last;
    if (empty || classes.length > 0 || shots.length > 0)
      this.#removals = joined(this.#removals, { empty, classes, shots });
    for (const one of [...(added.classes ?? []), ...(added.shots ?? [])]) this.#pending.set(one.id, one);
    const database = this.#database;
    this.#last = this.#last.then(() => this.#keep(database));
    return this.#last;
  }

  async #keep(database: ShotDatabase): Promise<void> {
    try {
      if (await database.reconnect()) this.#restart();
      // Room is made first, whether or not what waits can be kept.
      await this.#remove(database);
      this.#isDeletionPending = false;
      const waiting = [...this.#pending.values()];
      if (waiting.length > 0) {
        await database.change({
          classes: waiting.filter((one) => 'name' in one),
          shots: waiting.filter((one) => 'picture' in one),
        });
      }
      for (const { id } of waiting) this.#pending.delete(id);
      if (this.#pending.size === 0) this.#problem = this.#lost.size === 0 ? undefined : lost(this.#lost.size);
    } catch (error) {
      const count = [...this.#pending.values()].filter((one) => 'picture' in one).length;
      this.#isDeletionPending = this.#removals !== noRemovals;
      const [deletion, keeping] = [this.#isDeletionPending ? [undeleted(error)] : [], [full(count, error)]];
      this.#problem = (count > 0 ? [...deletion, ...keeping] : deletion.length > 0 ? deletion : keeping).join(' ');
    }
  }

  /** Further changes may come while it waits. */
  async #remove(database: ShotDatabase): Promise<void> {
    const removals = this.#removals;
    if (removals === noRemovals) return;
    this.#removals = noRemovals;
    try {
      const { empty, classes, shots } = removals;
      await database.change({ empty, without: { classes, shots } });
    } catch (error) {
      this.#removals = joined(removals, this.#removals);
      throw error;
    }
  }

  /** The database is empty. Faces that somebody had the browser delete are not written anew; new ones need their classes. */
  #restart(): void {
    for (const id of this.#shots.keys()) if (!this.#pending.has(id)) this.#lost.add(id);
    for (const one of this.#classes.values()) this.#pending.set(one.id, one);
  }
}

/** All that goes, by one and by a later. */
const joined = (before: Removals, { empty, classes, shots }: Removals): Removals =>
  empty
    ? { empty, classes, shots }
    : { empty: before.empty, classes: [...before.classes, ...classes], shots: [...before.shots, ...shots] };

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

const undeleted = (error: unknown): string =>
  `The browser could not delete all that you deleted (${reasonOf(error)}): it comes back when the page is opened again. Delete once more, or have the browser delete the data of this site.`;

const lost = (count: number): string =>
  `The browser deleted what it kept for this page: ${count} of the pictures are here until the page is closed; export them to keep them.`;
