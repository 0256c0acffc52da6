// Written by scripts/bundled-digests.mjs, by which the weights' scripts end.

/** What tells a file of the package from any other. */
export interface FileDigest {
  readonly name: string;
  readonly bytes: number;
  /** In hexadecimal digits. */
  readonly sha256: string;
}

export const expressionDigest: FileDigest = {
  name: 'poster-v2-nano.safetensors',
  bytes: 9232732,
  sha256: 'bddeb9e689f1a990a200af218f263f64078b108b983282f4f021ae14e7508e29',
};

export const detectorDigest: FileDigest = {
  name: 'face-detector.onnx',
  bytes: 1054503,
  sha256: '50847fdb8b63117b23b60ea6eacfd9be364d3d6e59d942771371291925728e7d',
};
