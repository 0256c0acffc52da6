/** One run of the network: the picture's long side, and how much black around it. */
export interface Run {
  readonly scale: number;
  readonly margin: number;
}

/** One way to search a picture: rotated by so much, in these runs, the largest scale first. */
export interface Scan {
  /** Clockwise. */
  readonly degrees: number;
  readonly runs: readonly Run[];
}

/** A face that fills the picture is found more often in a smaller picture amid black: in 95% of FER+'s crops, at 96 in 84%. */
export const tight: Run = { scale: 64, margin: 64 };

/** The network finds faces up to about 45 degrees off. */
const quarterTurns = [90, 270, 180] as const;
const diagonals = [45, 315, 135, 225] as const;

export const uprightRuns = (scales: readonly number[]): readonly Run[] => scales.map((scale) => ({ scale, margin: 0 }));

/** A photo lies on its side as a whole, with faces of any size; one that is askew is one of large faces. */
export function rotatedScans(scales: readonly number[]): readonly Scan[] {
  const all = uprightRuns(scales);
  const large = [...all.filter(({ scale }) => scale <= 192), tight];
  return [
    ...quarterTurns.map((degrees) => ({ degrees, runs: [...all, tight] })),
    ...diagonals.map((degrees) => ({ degrees, runs: large })),
  ];
}
