// Makes a run's best weights the bundled ones: node scripts/bundle-weights.mjs runs/NAME/best.safetensors
// Matrices and kernels are stored in half precision, which halves the file. How faces are to be cropped is stored with them.
import { basename } from 'node:path';
import { cropTemplateFor } from '../dist/src/common/crop-templates.js';
import { loadModel, saveModel } from '../dist/src/node/checkpoints/index.js';
import { root } from './support/steps.mjs';

const [source] = process.argv.slice(2);
if (source === undefined) {
  console.error('Name the checkpoint to bundle: node scripts/bundle-weights.mjs runs/NAME/best.safetensors');
  process.exit(2);
}
const model = await loadModel(source);
const target = `weights/${basename(model.model.name)}.safetensors`;
const preprocessing = { ...model.preprocessing, crop: cropTemplateFor(model.preprocessing) };
await saveModel(`${root}${target}`, { ...model, preprocessing }, 'F16');
await import('./bundled-digests.mjs');
console.log(`${target}: ${model.training?.dataset ?? 'of unknown training'}`);
