/**
 * Every operation that a graph may hold, by the name ONNX gives it; those marked as ours are lowered to ONNX's before
 * a graph is written. The table of rules is total over this list by type, and only these names can be applied: a typo
 * or a missing rule does not compile.
 */
export const operationNames = [
  // elementwise.ts
  'Add',
  'Sub',
  'Mul',
  'Div',
  'Min',
  'Neg',
  'Exp',
  'Log',
  'Sqrt',
  'Reciprocal',
  'Erf',
  'Floor',
  'Sigmoid',
  'Relu',
  'Gelu',
  'PRelu',
  'Where',
  'Greater',
  'Identity',
  'Clip',
  'Step', // ours
  'HardSigmoid',
  // shape.ts
  'Reshape',
  'Transpose',
  'Concat',
  'Slice',
  'Pad',
  'ExpandAs', // ours
  'Expand',
  'Shape',
  'Gather',
  'Subsample', // ours
  // map.ts
  'MaxPool',
  'Resize',
  // reduce.ts
  'ReduceSum',
  'ReduceMean',
  'ReduceMax',
  // linear.ts
  'MatMul',
  'Linear', // ours
  'Gemm',
  // convolution.ts
  'Conv',
  'ConvInputGradient', // ours
  'ConvWeightGradient', // ours
  'ConvBiasGradient', // ours
  'ConvTranspose',
  // blocked-convolution.ts: ONNX Runtime's own
  'NchwcConv',
  'NchwcReorderInput',
  'NchwcReorderOutput',
  // normalization.ts
  'BatchNormalization',
  'BatchNormTraining', // ours
  'BatchNormGradient', // ours
  'LayerNormalization',
  // softmax.ts
  'Softmax',
  'SoftmaxCrossEntropy', // ours
  // position-bias.ts
  'RelativePositionBias', // ours
] as const;

export type OperationName = (typeof operationNames)[number];
