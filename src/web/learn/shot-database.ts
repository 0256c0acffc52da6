/** Classes and shots in IndexedDB: read as a whole, changed by transactions that hold as a whole or not at all. */

/** A class as it is kept. */
export interface KeptClass {
  readonly id: string;
  readonly name: string;
  /** When it was made, in milliseconds since 1970; classes are in this order. */
  readonly time: number;
}

/** A shot as it is kept. */
export interface KeptShot {
  readonly id: string;
  /** Of its class. */
  readonly classId: string;
  /** When it was recorded, in milliseconds since 1970. */
  readonly time: number;
  /** The face crop, a picture's file. */
  readonly picture: Blob;
}

/** What changes at once. */
export interface Change {
  readonly classes?: readonly KeptClass[];
  readonly shots?: readonly KeptShot[];
  /** Ids of classes and of shots that go; a class's shots are named, too. */
  readonly without?: { readonly classes?: readonly string[]; readonly shots?: readonly string[] };
  /** Everything goes first. */
  readonly empty?: boolean;
}

const [classStore, shotStore] = ['classes', 'shots'] as const;

export class ShotDatabase {
  readonly #name: string;
  #database: IDBDatabase;
  #isClosed = false;

  private constructor(name: string, database: IDBDatabase) {
    this.#name = name;
    this.#database = database;
  }

  /** @throws DOMException where the browser keeps nothing for this page */
  static async open(name: string): Promise<ShotDatabase> {
    const { database } = await connect(name);
    return new ShotDatabase(name, database);
  }

  /**
   * Connects once more where the connection was lost: to another page of a newer version, or because the browser took it away.
   * @returns whether what was kept has been deleted by the browser since
   * @throws DOMException where the browser keeps nothing for this page any more
   */
  async reconnect(): Promise<boolean> {
    if (this.#isClosed || this.#isConnected()) return false;
    const { database, isNew } = await connect(this.#name);
    this.#database = database;
    return isNew;
  }

  /** Not every browser tells when it takes a connection away; none begins a transaction then. */
  #isConnected(): boolean {
    try {
      this.#database.transaction([classStore], 'readonly');
      return true;
    } catch {
      return false;
    }
  }

  async all(): Promise<{ readonly classes: readonly KeptClass[]; readonly shots: readonly KeptShot[] }> {
    const transaction = this.#database.transaction([classStore, shotStore], 'readonly');
    const [classes, shots] = await Promise.all([
      answerOf<KeptClass[]>(transaction.objectStore(classStore).getAll()),
      answerOf<KeptShot[]>(transaction.objectStore(shotStore).getAll()),
    ]);
    return { classes, shots };
  }

  /** @throws DOMException where there is no room or no permission; nothing has changed then */
  async change({ classes = [], shots = [], without = {}, empty = false }: Change): Promise<void> {
    const transaction = this.#database.transaction([classStore, shotStore], 'readwrite');
    const done = new Promise<void>((resolve, reject) => {
      transaction.addEventListener('complete', () => resolve());
      transaction.addEventListener('abort', () => reject(transaction.error ?? new Error('the change was broken off')));
    });
    const [classesKept, shotsKept] = [transaction.objectStore(classStore), transaction.objectStore(shotStore)];
    try {
      if (empty) for (const store of [classesKept, shotsKept]) store.clear();
      for (const id of without.classes ?? []) classesKept.delete(id);
      for (const id of without.shots ?? []) shotsKept.delete(id);
      for (const one of classes) classesKept.put(one);
      for (const one of shots) shotsKept.put(one);
    } catch (error) {
      transaction.abort();
      await done.catch(() => undefined);
      throw error;
    }
    await done;
  }

  close(): void {
    this.#isClosed = true;
    this.#database.close();
  }
}

async function connect(name: string): Promise<{ readonly database: IDBDatabase; readonly isNew: boolean }> {
  const request = indexedDB.open(name, 1);
  let isNew = false;
  request.addEventListener('upgradeneeded', () => {
    isNew = true;
    for (const store of [classStore, shotStore]) request.result.createObjectStore(store, { keyPath: 'id' });
  });
  const database = await answerOf(request);
  // Another page of a newer version waits for this one to let go.
  database.addEventListener('versionchange', () => database.close());
  return { database, isNew };
}

function answerOf<T>(request: IDBRequest<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    request.addEventListener('success', () => resolve(request.result));
    request.addEventListener('error', () => reject(request.error ?? new Error('the browser gives no reason')));
    request.addEventListener('blocked', () => reject(new Error('another page of it is open with an older version')));
  });
}
