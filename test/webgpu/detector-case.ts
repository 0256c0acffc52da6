import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import { mediapipeFile } from '../../scripts/tflite/convert.js';
import { readTflite } from '../../scripts/tflite/tflite.js';
import { tfliteGraph } from '../../scripts/tflite/tflite-graph.js';
import { networkInput, scaled } from '../../src/detect/input.js';
import { decodePicture } from '../../src/node/decode/index.js';
import { lower } from '../../src/passes/index.js';
import { CpuSession, floats, GpuSession, hostTensor } from '../../src/runtime/index.js';
import type { Comparison } from './optimizer-cases.js';

const portrait = fileURLToPath(new URL('../../../assets/astronaut.png', import.meta.url));

/** The face detector's outputs for the portrait on WebGPU beside those on the CPU. */
export async function compareDetector(): Promise<Comparison[]> {
  const file = await readFile(createRequire(import.meta.url).resolve(mediapipeFile));
  const program = tfliteGraph(readTflite(file, 'the detector'), {
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
