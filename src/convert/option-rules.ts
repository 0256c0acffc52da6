import type { OptionRule } from '../common/check-options.js';
import { opsets } from '../onnx/index.js';
import { precisions } from '../safetensors/precision.js';

export const anOpset: OptionRule = {
  holds: (value) => opsets.some((opset) => opset === value),
  wanted: `one of ${opsets.join(', ')}`,
};

export const aPrecision: OptionRule = {
  holds: (value) => precisions.some((precision) => precision === value),
  wanted: precisions.join(' or '),
};
