import { canonicalLabel } from './label-sets.js';

// One palette for everything that shows labels: drawings, timelines, maps, charts. Each colour has a contrast of 3 with white
// and with the dark ground of drawings. Any two of the eight expressions differ by at least 15 (CIEDE2000), for normal vision and
// for the three kinds of colour blindness; label-colours.test.ts measures both.

const expressions: ReadonlyMap<string, string> = new Map([
  ['happiness', '#b98e15'],
  ['surprise', '#5b9e9d'],
  ['neutral', '#747369'],
  ['sadness', '#5e70b5'],
  ['anger', '#cf0834'],
  ['disgust', '#347304'],
  ['fear', '#900ffe'],
  ['contempt', '#a74172'],
]);

/** For labels of other kinds, each as far from those before it as can be. */
const others = [
  ...['#78985e', '#a876f2', '#a69086', '#836145', '#0b758a', '#b9758a'],
  ...['#8a7a36', '#e03ef0', '#8395bb', '#806b75', '#be08a5', '#887ba2'],
] as const;

/**
 * A colour for each label, as `#rrggbb`. Those of expressions are always the same, however they are spelled (`Happy`,
 * `happiness`). A label of another kind has a colour that its name decides; where two of a set would share one, the one
 * later in the alphabet takes the next. From 13 such labels on, some share a colour.
 */
export function labelColours(labels: readonly string[]): string[] {
  const names = labels.map(canonicalLabel);
  const given = new Map(expressions);
  const uses = new Map<string, number>();
  const usesOf = (colour: string): number => uses.get(colour) ?? 0;
  for (const name of [...new Set(names)].sort()) {
    if (given.has(name)) continue;
    const first = hash(name) % others.length;
    const inTurn = [...others.slice(first), ...others.slice(0, first)];
    const colour = inTurn.reduce((best, next) => (usesOf(next) < usesOf(best) ? next : best));
    uses.set(colour, usesOf(colour) + 1);
    given.set(name, colour);
  }
  return names.map((name) => {
    const colour = given.get(name);
    if (colour === undefined) throw new Error('a label without a colour');
    return colour;
  });
}

/** FNV-1a over UTF-16 units: a name's colour is the same in every run of the program. */
function hash(text: string): number {
  let value = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) value = Math.imul(value ^ text.charCodeAt(i), 0x01000193) >>> 0;
  return value;
}

const [darkInk, lightInk] = ['#14171c', '#ffffff'] as const;

/** The colour of text on a ground: dark or white, whichever has the higher contrast. */
export function inkOn(ground: string): string {
  const light = luminance(ground);
  return (light + 0.05) / (luminance(darkInk) + 0.05) > 1.05 / (light + 0.05) ? darkInk : lightInk;
}

/** Relative luminance (WCAG 2) of `#rrggbb`. */
function luminance(colour: string): number {
  const [red = 0, green = 0, blue = 0] = [1, 3, 5].map((at) => {
    const value = Number.parseInt(colour.slice(at, at + 2), 16) / 255;
    return value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}
