/** The ablations that papers of these networks argue with. */
export const studyNames = ['cross-fusion', 'two-stream', 'multi-scale', 'window'] as const;
export type StudyName = (typeof studyNames)[number];

/** One of the networks that a study compares. */
export interface StudyArm {
  /** Of its folder, too: `one-scale`. */
  readonly name: string;
  /** What it has, or lacks. */
  readonly summary: string;
  /** The network's own options that make it; none for the network as it is. */
  readonly options: Readonly<Record<string, unknown>>;
}

/** The studies that a network has, for one of its configurations: the network as it is comes first. */
export type Studies<Config> = Readonly<Partial<Record<StudyName, (config: Config) => readonly StudyArm[]>>>;
