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
  bytes: 9232540,
  sha256: 'c137c9634e9d8558c6ff5f045e51562c204988e69414eda11988b14e8862d61e',
};

export const detectorDigest: FileDigest = {
  name: 'face-detector.onnx',
  bytes: 1054503,
  sha256: '50847fdb8b63117b23b60ea6eacfd9be364d3d6e59d942771371291925728e7d',
};
