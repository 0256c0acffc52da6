/* `@vladmandic/human` in a page, on the faster of its backends that start there: faces with their meshes and expressions. */
import { Human } from '@vladmandic/human';
import {
  type Backend,
  canvasAt,
  cropAddress,
  fastest,
  offer,
  pixelsOf,
  portraitAddress,
  timed,
} from './subject-page.js';

/** What is used of its copy of TensorFlow.js, whose declarations are partly missing. */
interface Tf {
  getBackend(): string;
  setThreadsCount(threads: number): void;
  getThreadsCount(): number;
  tidy<T>(work: () => T): T;
  readonly browser: { fromPixels(pixels: ImageData): object };
  readonly image: { resizeBilinear(x: object, size: readonly [number, number]): object };
  expandDims(x: object, axis: number): object;
  cast(x: object, dtype: 'float32'): object;
  div(x: object, y: number): object;
  mul(x: object, y: number | readonly number[]): object;
  sub(x: object, y: number): object;
  sum(x: object, axis: number, keep: boolean): object;
  dispose(x: object): void;
}

interface EmotionNetwork {
  readonly inputs: readonly { readonly shape?: readonly number[] }[];
  execute(input: object): { data(): Promise<Float32Array> };
}

const crop = pixelsOf(await canvasAt(cropAddress));
const portrait = await canvasAt(portraitAddress);
const off = { enabled: false };

async function open(backend: Backend) {
  const human = new Human({
    backend,
    modelBasePath: '/human/',
    wasmPath: '/tfjs/',
    // Every call is worked out anew.
    cacheSensitivity: 0,
    skipAllowed: false,
    filter: off,
    gesture: off,
    body: off,
    hand: off,
    object: off,
    segmentation: off,
    face: {
      enabled: true,
      detector: { maxDetected: 10 },
      iris: off,
      description: off,
      antispoof: off,
      liveness: off,
      emotion: { enabled: true, minConfidence: 0 },
    },
  });
  const tf = human.tf as unknown as Tf;
  tf.setThreadsCount(navigator.hardwareConcurrency);
  await human.init();
  await human.load();
  if (tf.getBackend() !== backend) throw new Error(`it started ${tf.getBackend()} instead`);
  const { models } = human.models as unknown as { readonly models: { readonly emotion: EmotionNetwork } };
  const side = models.emotion.inputs[0]?.shape?.[2];
  if (side === undefined) throw new Error('its emotion network has no size');
  return {
    human,
    tf,
    // As its own pipeline does for each face (src/gear/emotion.ts): resized, gray, from -1 to 1.
    async crop() {
      const input = tf.tidy(() => {
        const pixels = tf.div(tf.cast(tf.expandDims(tf.browser.fromPixels(crop), 0), 'float32'), 255);
        const weighted = tf.mul(tf.image.resizeBilinear(pixels, [side, side]), [0.2989, 0.587, 0.114]);
        return tf.mul(tf.sub(tf.sum(weighted, 3, true), 0.5), 2);
      });
      const answer = models.emotion.execute(input);
      const scores = await answer.data();
      tf.dispose([input, answer]);
      return scores;
    },
  };
}

const { backend } = await fastest(open);
const { human, tf, crop: read } = await open(backend);
let found = 0;
offer({
  backend: backend === 'wasm' ? `WASM, ${tf.getThreadsCount()} threads` : 'WebGL',
  crop: () => timed(read),
  picture: () =>
    timed(async () => {
      found = (await human.detect(portrait)).face.length;
    }),
  faces: () => found,
});
