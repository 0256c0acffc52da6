/* `@vladmandic/face-api` in a page, on the faster of its backends that start there. */
import * as faceapi from '@vladmandic/face-api';
import { type Backend, canvasAt, cropAddress, fastest, offer, portraitAddress, timed } from './subject-page.js';

/** What its bundle has of TensorFlow.js and its declarations leave out. */
const tf = faceapi.tf as unknown as {
  setWasmPaths(folder: string): void;
  setThreadsCount(threads: number): void;
  getThreadsCount(): number;
  setBackend(name: Backend): Promise<boolean>;
  ready(): Promise<void>;
};
const crop = await canvasAt(cropAddress);
const portrait = await canvasAt(portraitAddress);
const { faceExpressionNet, faceLandmark68Net, ssdMobilenetv1 } = faceapi.nets;
tf.setWasmPaths('/tfjs/');
tf.setThreadsCount(navigator.hardwareConcurrency);

async function open(backend: Backend): Promise<{ crop(): Promise<unknown> }> {
  if (!(await tf.setBackend(backend))) throw new Error('it does not start');
  await tf.ready();
  for (const net of [faceExpressionNet, faceLandmark68Net, ssdMobilenetv1]) await net.loadFromUri('/faceapi/');
  return { crop: () => faceExpressionNet.predictExpressions(crop) };
}

const { backend } = await fastest(open);
const subject = await open(backend);
let found = 0;
offer({
  backend: backend === 'wasm' ? `WASM, ${tf.getThreadsCount()} threads` : 'WebGL',
  crop: () => timed(() => subject.crop()),
  picture: () =>
    timed(async () => {
      found = (await faceapi.detectAllFaces(portrait).withFaceLandmarks().withFaceExpressions()).length;
    }),
  faces: () => found,
});
