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
  bytes: 9227580,
  sha256: '62d042424ae45da885ccf914a2e19d32d427885365156ed857fad5e7f8922e25',
};

export const detectorDigest: FileDigest = {
  name: 'face-detector.onnx',
  bytes: 1052893,
  sha256: '28af7b48475ecad001e89ecd80ca2a2aa84dbbfbfba9520b6677a9e780d50f05',
};
