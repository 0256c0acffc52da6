/** A colour for each of 256 levels, sRGB in bytes: `[3 level + channel]`. */
export type Ramp = Uint8Array;

/**
 * From near black over violet, red and orange to pale yellow. In Oklab (B. Ottosson, "A perceptual color space for image
 * processing", 2020) lightness rises evenly, so that equal steps look equal, also without colour; hue and chroma turn
 * along with it, within what sRGB can show.
 */
export const heatRamp: Ramp = ramp((t) => ({
  lightness: 0.17 + 0.78 * t,
  chroma: 0.03 + 0.155 * Math.sin(Math.PI * t ** 0.85),
  hue: 290 + 170 * t,
}));

interface Oklch {
  /** In [0, 1]. */
  readonly lightness: number;
  readonly chroma: number;
  /** In degrees. */
  readonly hue: number;
}

/** Samples colours for t in [0, 1]; chroma beyond sRGB is brought down, lightness and hue stay. */
export function ramp(colour: (t: number) => Oklch): Ramp {
  const table = new Uint8Array(256 * 3);
  for (let level = 0; level < 256; level++) {
    const { lightness, chroma, hue } = colour(level / 255);
    let linear = toLinear({ lightness, chroma, hue });
    for (let c = chroma; c > 0 && !linear.every((value) => value >= 0 && value <= 1); c -= 0.002) {
      linear = toLinear({ lightness, chroma: c, hue });
    }
    table.set(linear.map(toByte), 3 * level);
  }
  return table;
}

/** Oklch to linear sRGB, which may lie outside of [0, 1]. */
function toLinear({ lightness, chroma, hue }: Oklch): [number, number, number] {
  const a = chroma * Math.cos((hue * Math.PI) / 180);
  const b = chroma * Math.sin((hue * Math.PI) / 180);
  const l = (lightness + 0.3963377774 * a + 0.2158037573 * b) ** 3;
  const m = (lightness - 0.1055613458 * a - 0.0638541728 * b) ** 3;
  const s = (lightness - 0.0894841775 * a - 1.291485548 * b) ** 3;
  return [
    4.0767416621 * l - 3.3077115913 * m + 0.2309699292 * s,
    -1.2684380046 * l + 2.6097574011 * m - 0.3413193965 * s,
    -0.0041960863 * l - 0.7034186147 * m + 1.707614701 * s,
  ];
}

function toByte(linear: number): number {
  const value = Math.max(0, Math.min(1, linear));
  return Math.round(255 * (value <= 0.0031308 ? 12.92 * value : 1.055 * value ** (1 / 2.4) - 0.055));
}
