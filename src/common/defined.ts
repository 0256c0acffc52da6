/** The properties of a target, each of which may be left out or undefined; of several targets, those of one of them. */
type Undefinable<T> = T extends unknown ? { readonly [K in keyof T]?: T[K] | undefined } : never;

/** The properties of a target that have a value: any of them. */
type Given<T> = { [K in keyof T]?: Exclude<T[K], undefined> };

/**
 * The properties that have a value: `defined({ a: 1, b: undefined })` is `{ a: 1 }`. For options that may be left out, but
 * must not be `undefined`.
 *
 * The target is the type that is expected where the result stands, or said: `defined<Options>({ threads })`. Names that it does not know
 * are errors. Where nothing is expected and nothing said, every call is one.
 */
export function defined<T extends object = never>(values: Undefinable<NoInfer<T>>): Given<T>;
export function defined(values: object): object {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined));
}
