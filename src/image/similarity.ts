/** A position in pixels: (0, 0) is the top left corner of the top left pixel, its centre is (0.5, 0.5). */
export interface Point {
  readonly x: number;
  readonly y: number;
}

/** Rotation, uniform scale and shift: (x, y) -> (a x - b y + tx, b x + a y + ty). Its scale is the length of (a, b). */
export interface Similarity {
  readonly a: number;
  readonly b: number;
  readonly tx: number;
  readonly ty: number;
}

export function transformed({ a, b, tx, ty }: Similarity, { x, y }: Point): Point {
  return { x: a * x - b * y + tx, y: b * x + a * y + ty };
}

/** @throws RangeError where the scale is 0. */
export function inverse({ a, b, tx, ty }: Similarity): Similarity {
  const square = a * a + b * b;
  if (!(square > 0)) throw new RangeError('a transform with scale 0 has no inverse');
  const [c, d] = [a / square, -b / square];
  return { a: c, b: d, tx: -(c * tx - d * ty), ty: -(d * tx + c * ty) };
}

/** A turn by an angle in degrees (clockwise on the screen, where y points down) that takes `from` to `to`. */
export function turn(degrees: number, from: Point, to: Point): Similarity {
  const radians = (degrees * Math.PI) / 180;
  const [a, b] = [Math.cos(radians), Math.sin(radians)];
  return { a, b, tx: to.x - (a * from.x - b * from.y), ty: to.y - (b * from.x + a * from.y) };
}

/**
 * The similarity that takes `from` nearest to `to`, by the sum of squared distances: Umeyama's (1991) in the plane, without
 * reflection. With points as complex numbers it is a linear fit: factor = sum conj(p) q / sum |p|^2 about the means.
 * @throws RangeError for fewer than two pairs, or where all of `from` are one point.
 */
export function estimateSimilarity(from: readonly Point[], to: readonly Point[]): Similarity {
  if (from.length !== to.length || from.length < 2) {
    throw new RangeError(`${from.length} and ${to.length} points do not make at least two pairs`);
  }
  const [p, q] = [mean(from), mean(to)];
  let [real, imaginary, square] = [0, 0, 0];
  from.forEach((point, i) => {
    const other = to[i] ?? q;
    const [x, y] = [point.x - p.x, point.y - p.y];
    const [u, v] = [other.x - q.x, other.y - q.y];
    real += x * u + y * v;
    imaginary += x * v - y * u;
    square += x * x + y * y;
  });
  if (!(square > 0)) throw new RangeError('all points are one: they give no rotation and no scale');
  const [a, b] = [real / square, imaginary / square];
  return { a, b, tx: q.x - (a * p.x - b * p.y), ty: q.y - (b * p.x + a * p.y) };
}

function mean(points: readonly Point[]): Point {
  const n = points.length;
  return { x: points.reduce((sum, { x }) => sum + x, 0) / n, y: points.reduce((sum, { y }) => sum + y, 0) / n };
}
