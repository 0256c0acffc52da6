// Damages the face detector's file at random and reads it: node scripts/fuzz-tflite.mjs [RUNS] [SEED]
// Fails where that ends otherwise than in a network or in an error of the expected kinds, or takes more than a second.

import { UserError } from '../dist/src/common/errors.js';
import { random } from '../dist/src/common/random.js';
import { FormatError } from '../dist/src/detect/flatbuffer.js';
import { readTflite } from '../dist/src/detect/tflite.js';
import { tfliteGraph } from '../dist/src/detect/tflite-graph.js';
import { readDetectorWeights } from '../dist/src/detect/weights.js';
import { GraphError } from '../dist/src/graph/index.js';

const [runs = 10_000, seed = 0] = process.argv.slice(2).map(Number);
const file = await readDetectorWeights();
const outside = new Uint8Array(file.length).fill(1);
for (const { data } of readTflite(file, 'file').tensors) {
  if (data !== undefined)
    outside.fill(0, data.byteOffset - file.byteOffset, data.byteOffset - file.byteOffset + data.length);
}
/** What is not weights. */
const places = [...outside.keys()].filter((i) => outside[i] === 1);
let refused = 0;
for (let run = 0; run < runs; run++) {
  const draw = random(seed, 'fuzz', run);
  const bytes = file.slice(0, draw.int(10) === 0 ? draw.int(file.length) : file.length);
  for (let n = 1 + draw.int(8); n > 0; n--) bytes[places[draw.int(places.length)]] = draw.int(256);
  const start = performance.now();
  try {
    tfliteGraph(readTflite(bytes, 'file'));
  } catch (error) {
    refused++;
    const expected = [UserError, FormatError, GraphError].some((kind) => error instanceof kind);
    if (!expected) throw new Error(`run ${run} of seed ${seed}`, { cause: error });
  }
  const milliseconds = performance.now() - start;
  if (milliseconds > 1000) throw new Error(`run ${run} of seed ${seed} took ${milliseconds.toFixed(0)} ms`);
}
console.log(`${runs} damaged files: ${refused} refused, ${runs - refused} read as another network`);
