// Bundlers that know files by `new URL(..., import.meta.url)`, such as Vite and webpack, take these along. From a bundle of other
// bundlers they lead to `/weights/` of its server, where it lies at most four folders deep.

/** Where the weights that come with the package lie: `poster-v2-nano`, trained on FER+. */
export const bundledCheckpoint = (): URL => new URL('../../../../weights/poster-v2-nano.safetensors', import.meta.url);

/** Where the face detector's weights lie. */
export const detectorWeights = (): URL => new URL('../../../../weights/face-detector.onnx', import.meta.url);
