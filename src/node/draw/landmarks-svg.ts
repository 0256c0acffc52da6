/** Lines that the 68 landmarks of iBUG 300-W draw: first point, last point, whether it closes. */
const lines: readonly (readonly [first: number, last: number, closed: boolean])[] = [
  [0, 16, false], // jaw
  [17, 21, false], // brows
  [22, 26, false],
  [27, 30, false], // nose
  [31, 35, false],
  [36, 41, true], // eyes
  [42, 47, true],
  [48, 59, true], // mouth
  [60, 67, true],
];

interface Point {
  readonly x: number;
  readonly y: number;
}

/** 68 points of a face, in the order of iBUG 300-W. */
export type Landmarks = readonly Point[];

/**
 * Landmarks as an SVG of a picture's size, to be laid over it.
 * @param faces 68 points a face, in pixels of the picture
 */
export function landmarksSvg(faces: readonly Landmarks[], width: number, height: number): string {
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}">`,
    ...faces.flatMap((points) => faceSvg(points, strokeWidth(points, width, height))),
    '</svg>',
  ].join('\n');
}

/** Lines are thin on small faces of large photos too, and never too thin to be seen. */
function strokeWidth(points: Landmarks, width: number, height: number): number {
  const across = (values: readonly number[]): number => Math.max(...values) - Math.min(...values);
  const face = Math.max(across(points.map(({ x }) => x)), across(points.map(({ y }) => y)));
  return Math.max(0.5, Math.min(face, width, height) / 160);
}

function faceSvg(points: Landmarks, unit: number): string[] {
  const text = (value: number): string => value.toFixed(2);
  const at = (list: readonly Point[]): string => list.map(({ x, y }) => `${text(x)},${text(y)}`).join(' ');
  const strokes = lines.map(([first, last, closed]) => {
    const shape = closed ? 'polygon' : 'polyline';
    return `<${shape} points="${at(points.slice(first, last + 1))}" stroke-width="${text(unit)}"/>`;
  });
  const dots = points.map(({ x, y }) => `<circle cx="${text(x)}" cy="${text(y)}" r="${text(1.5 * unit)}"/>`);
  return [
    `<g fill="none" stroke="#00e5ff" stroke-opacity="0.8">${strokes.join('')}</g>`,
    `<g fill="#ff2d78">${dots.join('')}</g>`,
  ];
}
