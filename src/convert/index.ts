export { cardName, type DescribedNetwork, type HuggingFaceOptions, huggingFaceFiles } from './hugging-face-files.js';
export { cardMark } from './model-card.js';
export { type OnnxOptions, type OnnxSource, toOnnx } from './onnx.js';
