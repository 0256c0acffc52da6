import { fileURLToPath } from 'node:url';
import { networkInput, scaled } from '../../src/detect/input.js';
import { readTflite } from '../../src/detect/tflite.js';
import { tfliteGraph } from '../../src/detect/tflite-graph.js';
import { readDetectorWeights } from '../../src/detect/weights.js';
import { decodePicture } from '../../src/node/decode/index.js';
import { lower } from '../../src/passes/index.js';
import { CpuSession, floats, GpuSession, hostTensor } from '../../src/runtime/index.js';
import type { Comparison } from './optimizer-cases.js';

const portrait = fileURLToPath(new URL('../../../assets/astronaut.png', import.meta.url));

/** The face detector's outputs for the portrait on WebGPU beside those on the CPU. */
export async function compareDetector(): Promise<Comparison[]> {
  const program = tfliteGraph(readTflite(await readDetectorWeights(), 'the detector'), {
    outputs: ['regressor_face_4', 'classifier_face_4'],
  });
  const picture = await decodePicture(portrait);
  const { pixels, width, height } = networkInput(scaled(picture, 192 / Math.max(picture.width, picture.height)), 0);
  const inputs = new Map([['pixel_values', hostTensor('float32', pixels, [1, 3, height, width])]]);

  const cpu = await CpuSession.create(lower(program, 'cpu'));
  const expected = await cpu.run(inputs);
  await cpu.dispose();
  const gpu = await GpuSession.create(lower(program, 'webgpu'));
  const { host } = await gpu.run(inputs);
  await gpu.dispose();
  return [...expected].map(([what, tensor]) => ({
    what,
    actual: floats(host.get(what)),
    expected: Float32Array.from(floats(tensor)),
  }));
}
