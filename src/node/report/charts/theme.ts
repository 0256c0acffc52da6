/**
 * The colours of charts. In a page that is looked at in the dark each gives way to its other half: the page's style finds it by
 * its value, so no colour may stand here twice, and charts use no others but those of labels.
 */
export const theme = {
  ink: ['#1f2328', '#e6e9ed'],
  faint: ['#5b6068', '#a3abb5'],
  grid: ['#e6e8eb', '#2c323a'],
  axis: ['#c3c7cd', '#474f59'],
  rule: ['#9aa0a8', '#737c87'],
  paper: ['#ffffff', '#14171c'],
  /** Of a matrix: a cell with nothing in it, one with everything, and text on that. */
  empty: ['#f1f4f7', '#1d2229'],
  full: ['#0b4f8a', '#2f7fc1'],
  onFull: ['#fefefe', '#fdfdfd'],
  // Okabe and Ito's colours, told apart with any colour vision, those that are too pale for text a little darker.
  blue: ['#0072b2', '#56b4e9'],
  vermilion: ['#b84a00', '#f0864a'],
  green: ['#00785a', '#2fb394'],
  purple: ['#a34f80', '#d88bb6'],
  orange: ['#a86f00', '#e0a93b'],
  gray: ['#6b7280', '#a4abb6'],
} as const satisfies Readonly<Record<string, readonly [light: string, dark: string]>>;

/** A colour as charts are drawn with it. */
export const paint = (name: keyof typeof theme): string => theme[name][0];

/** For as many lines as may come; they repeat after seven. */
export const seriesColours: readonly string[] = (
  ['blue', 'vermilion', 'green', 'purple', 'orange', 'ink', 'gray'] as const
).map(paint);

/** Rules for charts that are part of a page: they have no ground of their own, and turn with it in the dark. */
export const darkRules: string = Object.values(theme)
  .map(([light, dark]) => `figure [fill="${light}"] { fill: ${dark}; } figure [stroke="${light}"] { stroke: ${dark}; }`)
  .join('\n');
