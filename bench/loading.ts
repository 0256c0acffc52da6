/*
 * npm run build && node dist/bench/loading.js [MODEL ...]: seconds in which the graph of a training step is loaded, as a session loads
 * it, and without the shapes that the runtime is told. In turns, medians of three. Default: poster-v2-nano, poster-v1-small, poster-v2.
 */
import { modelNamed } from '../src/models/index.js';
import { writeOnnx } from '../src/onnx/index.js';
import { CpuSession } from '../src/runtime/index.js';
import { writeSessionModel } from '../src/runtime/session-model.js';
import { trainingProgram } from '../src/train/program.js';
import { median } from './turns.js';

async function seconds(model: Uint8Array): Promise<number> {
  const start = performance.now();
  const session = await CpuSession.load(model, { threads: 1 });
  const taken = (performance.now() - start) / 1000;
  await session.dispose();
  return taken;
}

const given = process.argv.slice(2);
for (const name of given.length > 0 ? given : ['poster-v2-nano', 'poster-v1-small', 'poster-v2']) {
  const { graph } = trainingProgram(modelNamed(name).network, { device: 'cpu' });
  const [shaped, plain] = [writeSessionModel(graph, {}), writeOnnx(graph)];
  const [mine, before]: [number[], number[]] = [[], []];
  for (let i = 0; i < 3; i++) {
    mine.push(await seconds(shaped));
    before.push(await seconds(plain));
  }
  console.log(`${name}: ${median(mine).toFixed(2)} s, without shapes ${median(before).toFixed(2)} s`);
}
