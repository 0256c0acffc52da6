/** What a thread can give away to another one, by the names of their types. A host that has more than memory adds it. */
export interface TransferredObjects {
  readonly ArrayBuffer: ArrayBuffer;
}

export type Transferred = TransferredObjects[keyof TransferredObjects];

/** Something on its way to another thread, and what of it goes along without being copied again. */
export interface Parcel<T> {
  readonly content: T;
  readonly transfer: readonly Transferred[];
  /** Of memory that it holds. */
  readonly bytes: number;
}
