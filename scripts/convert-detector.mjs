// Makes weights/face-detector.onnx of MediaPipe's file: node scripts/convert-detector.mjs

import { readFile, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { compile } from './support/steps.mjs';

compile();
const { convertDetector, mediapipeFile } = await import('../dist/scripts/tflite/convert.js');
const path = createRequire(import.meta.url).resolve(mediapipeFile);
const target = new URL('../weights/face-detector.onnx', import.meta.url);
await writeFile(target, convertDetector(new Uint8Array(await readFile(path))));
await import('./bundled-digests.mjs');
