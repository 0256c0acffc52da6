import { UserError } from '../common/errors.js';
import { printable } from '../common/printable.js';
import type { FloatArray } from './tensor.js';

/** Shapes by published parameter name. */
export type Shapes = ReadonlyMap<string, readonly number[]>;

/** How the tensors of a file fit those of a network. All empty: they fit. */
export interface ParameterMatch {
  readonly missing: readonly { readonly name: string; readonly shape: readonly number[] }[];
  readonly unexpected: readonly { readonly name: string; readonly shape: readonly number[] }[];
  readonly mismatched: readonly {
    readonly name: string;
    readonly expected: readonly number[];
    readonly found: readonly number[];
  }[];
}

/**
 * Buffers that PyTorch registers and the network does not need: BatchNorm's `num_batches_tracked` (int64, only used
 * without a momentum) and window attention's `relative_position_index` (int64, follows from the window size).
 */
export function isOptionalBuffer(name: string): boolean {
  return /(^|\.)(num_batches_tracked|relative_position_index)$/.test(name);
}

/**
 * Compares the shapes a network expects with those found in a file, in the order given.
 * @param options.ignore names that may be missing, surplus or of another shape, besides {@link isOptionalBuffer}; such
 * as the tensors of the published checkpoints that are never used
 */
export function matchParameters(
  expected: Shapes,
  found: Shapes,
  options: { readonly ignore?: (name: string) => boolean } = {},
): ParameterMatch {
  const ignored = (name: string): boolean => isOptionalBuffer(name) || options.ignore?.(name) === true;
  const missing: ParameterMatch['missing'][number][] = [];
  const mismatched: ParameterMatch['mismatched'][number][] = [];
  for (const [name, shape] of expected) {
    if (ignored(name)) continue;
    const other = found.get(name);
    if (other === undefined) missing.push({ name, shape });
    else if (!sameShape(shape, other)) mismatched.push({ name, expected: shape, found: other });
  }
  const unexpected: ParameterMatch['unexpected'][number][] = [];
  for (const [name, shape] of found) {
    if (!ignored(name) && !expected.has(name)) unexpected.push({ name, shape });
  }
  return { missing, unexpected, mismatched };
}

function sameShape(a: readonly number[], b: readonly number[]): boolean {
  return a.length === b.length && a.every((dimension, axis) => dimension === b[axis]);
}

const shapeText = (shape: readonly number[]): string => `[${shape.map(String).join(', ')}]`;

/**
 * One sentence about why a file does not fit a network, with the first few names and shapes; `undefined` if it fits.
 * @param source what to call the file
 * @param limit names of each kind
 */
export function describeMismatch(match: ParameterMatch, source: string, limit = 3): string | undefined {
  const clauses: string[] = [];
  const add = (intro: string, texts: readonly string[]): void => {
    if (texts.length === 0) return;
    const rest = texts.length > limit ? ` and ${texts.length - limit} more` : '';
    clauses.push(`${texts.length} ${intro}: ${texts.slice(0, limit).join(', ')}${rest}`);
  };
  add(
    'of another shape',
    match.mismatched.map(
      ({ name, expected, found }) => `${printable(name)} is ${shapeText(found)} instead of ${shapeText(expected)}`,
    ),
  );
  add(
    'missing',
    match.missing.map(({ name, shape }) => `${printable(name)} ${shapeText(shape)}`),
  );
  add(
    'unknown',
    match.unexpected.map(({ name, shape }) => `${printable(name)} ${shapeText(shape)}`),
  );
  if (clauses.length === 0) return undefined;
  return `The tensors of ${source} do not fit this network (${clauses.join('; ')}); it is a checkpoint of another architecture, configuration or number of classes: choose the one it was saved from.`;
}

/**
 * Copies the values of a file into a network's arrays, in place, after checking that all fit.
 * @throws UserError listing the first few names and shapes that do not; nothing is copied then.
 */
export function assignParameters(
  target: ReadonlyMap<string, FloatArray>,
  found: ReadonlyMap<string, FloatArray>,
  options: { readonly source: string; readonly ignore?: (name: string) => boolean },
): void {
  const problem = describeMismatch(matchParameters(shapesOf(target), shapesOf(found), options), options.source);
  if (problem !== undefined) throw new UserError(problem);
  for (const [name, { shape, data }] of target) {
    const source = found.get(name);
    // An ignored tensor may be absent or of another shape: the network then keeps its own.
    if (source !== undefined && sameShape(shape, source.shape)) data.set(source.data);
  }
}

/** The shapes of named arrays. */
export function shapesOf(arrays: ReadonlyMap<string, { readonly shape: readonly number[] }>): Shapes {
  return new Map([...arrays].map(([name, { shape }]) => [name, shape]));
}
