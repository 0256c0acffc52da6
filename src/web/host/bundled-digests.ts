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
  bytes: 9227644,
  sha256: 'f688a5e5fad921d11ead354b7da6834a31078b13e73d9194b4f4bea57df17969',
};

export const detectorDigest: FileDigest = {
  name: 'face-detector.onnx',
  bytes: 1054503,
  sha256: '50847fdb8b63117b23b60ea6eacfd9be364d3d6e59d942771371291925728e7d',
};
