import type { Dim } from './dim.js';
import { GraphError, type Value } from './value.js';

/**
 * A dimension of a value, by its axis from either end.
 * @param op what asks, for the message
 * @throws GraphError where there is no such axis.
 */
export function dimOf(value: Value, axis: number, op = 'dimOf'): Dim {
  const dim = value.shape.at(axis);
  if (dim === undefined) throw new GraphError(op, [value], `axis ${axis} must be there`);
  return dim;
}

/**
 * The same where it must not depend on the batch size.
 * @throws GraphError where it does, or where there is no such axis.
 */
export function fixedDim(value: Value, axis: number, op = 'fixedDim'): number {
  const dim = value.shape.at(axis);
  if (typeof dim !== 'number')
    throw new GraphError(op, [value], `axis ${axis} must be there and not depend on the batch`);
  return dim;
}

/**
 * The dimensions of maps [N, C, H, W], of which only the first may depend on the batch size.
 * @throws GraphError for other shapes.
 */
export function mapDims(
  value: Value,
  op = 'mapDims',
): readonly [n: Dim, channels: number, height: number, width: number] {
  const [n, channels, height, width] = value.shape;
  const fits =
    value.shape.length === 4 &&
    n !== undefined &&
    typeof channels === 'number' &&
    typeof height === 'number' &&
    typeof width === 'number';
  if (!fits) throw new GraphError(op, [value], 'x must be [N, C, H, W], of which only N may depend on the batch');
  return [n, channels, height, width];
}

/**
 * A shape that must not depend on the batch size.
 * @throws GraphError where it does.
 */
export function fixedShape(value: Value, op = 'fixedShape'): readonly number[] {
  return value.shape.map((_, axis) => fixedDim(value, axis, op));
}
