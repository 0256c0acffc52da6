/** `{ a: number; b: number | undefined }` becomes `{ a: number; b?: number }`. */
export type Defined<T> = { [K in keyof T as undefined extends T[K] ? never : K]: T[K] } & {
  [K in keyof T as undefined extends T[K] ? K : never]?: Exclude<T[K], undefined>;
};

/**
 * The properties that have a value: `defined({ a: 1, b: undefined })` is `{ a: 1 }`. For options that may be left out, but
 * must not be `undefined`.
 */
export function defined<const T extends object>(values: T): Defined<T>;
export function defined(values: object): object {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined));
}
