// Loaded before a test file. ONNX Runtime's threads spin while they wait for work: alone on a machine that is the fastest, but beside other
// test files it takes their processors. The results are the same bits.
import { createRequire } from 'node:module';

// As `onnxruntime-node` loads it.
const { InferenceSession } = createRequire(import.meta.url)('onnxruntime-common');
const { create } = InferenceSession;

InferenceSession.create = (model, options = {}, ...more) =>
  create.call(InferenceSession, model, withoutSpinning(options), ...more);

const withoutSpinning = (options) => {
  const { extra = {} } = options;
  return { ...options, extra: { ...extra, session: { ...extra.session, intra_op: { allow_spinning: '0' } } } };
};
