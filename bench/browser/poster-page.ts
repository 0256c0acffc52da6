/* Ours in a page, as an app imports it. The address says on what: `?threads=2`, `?device=webgpu`, `?worker=false`. */
import {
  configureRuntime,
  openCamera,
  type Recognition,
  Recognizer,
  recognizeFrames,
  recognizeVideo,
} from '../../src/entries/web.js';
import { canvasAt, contextOf, cropAddress, offer, pixelsOf, portraitAddress, timed } from './subject-page.js';

const query = new URLSearchParams(location.search);
const device = query.get('device') === 'webgpu' ? 'webgpu' : 'cpu';
const threads = Number(query.get('threads') ?? 1);
const worker = query.get('worker');
configureRuntime({ wasmPaths: '/runtime/' });

const options = { device, threads, ...(worker === null ? {} : { worker: worker === 'true' }) } as const;
const crop = pixelsOf(await canvasAt(cropAddress));
const portrait = await canvasAt(portraitAddress);
const recognizer = await Recognizer.load(options);
// One more set of sessions for crops alone, made when it is asked for.
let aligned: Promise<Recognizer> | undefined;
const cropReader = (): Promise<Recognizer> => {
  aligned ??= Recognizer.load({ ...options, aligned: true });
  return aligned;
};
let found = 0;

offer({
  backend: device === 'webgpu' ? 'WebGPU' : `WASM, ${threadsOf(recognizer)}`,
  async crop() {
    const reader = await cropReader();
    return timed(() => reader.recognize(crop));
  },
  picture: () =>
    timed(async () => {
      found = (await recognizer.recognize(portrait)).faces.length;
    }),
  faces: () => found,
});

/** On how many threads it recognises, in words. */
function threadsOf({ classifier }: Recognizer): string {
  const count = classifier.threads ?? threads;
  return `${count} ${count === 1 ? 'thread' : 'threads'}`;
}

/** A camera that moves over a picture, 25 frames a second, as `writeVideo` of bench/sample-media.ts has it. */
async function* movingFrames(picture: ImageBitmap, count: number) {
  const canvas = document.createElement('canvas');
  [canvas.width, canvas.height] = [1280, 720];
  const context = contextOf(canvas);
  for (let frame = 0; frame < count; frame++) {
    const along = frame / count;
    const x = (picture.width - canvas.width) * along;
    const y = (picture.height - canvas.height) * (0.5 + 0.5 * Math.sin(6.28 * along));
    context.drawImage(picture, x, y, canvas.width, canvas.height, 0, 0, canvas.width, canvas.height);
    yield { time: frame / 25, frame, picture: pixelsOf(canvas) };
  }
}

interface CameraFigures {
  readonly frames: number;
  readonly faces: number;
}
let camera: { readonly stream: MediaStream; readonly ended: Promise<CameraFigures> } | undefined;

/** Until its tracks are stopped. */
async function readCamera(stream: MediaStream): Promise<CameraFigures> {
  let [frames, faces] = [0, 0];
  for await (const frame of recognizeVideo(recognizer, stream)) {
    frames++;
    faces += frame.faces.length;
  }
  return { frames, faces };
}

const more = {
  results: (addresses: readonly string[]): Promise<Recognition[]> =>
    Promise.all(addresses.map((address) => recognizer.recognize(address))),
  /** @returns frames a second, and faces a frame */
  async video(count: number): Promise<{ readonly rate: number; readonly faces: number }> {
    const photo = await createImageBitmap(await (await fetch('/pictures/photo.jpg')).blob());
    let faces = 0;
    const time = await timed(async () => {
      for await (const frame of recognizeFrames(recognizer, movingFrames(photo, count))) faces += frame.faces.length;
    });
    return { rate: (1000 * count) / time, faces: faces / count };
  },
  async startCamera(): Promise<void> {
    const stream = await openCamera();
    camera = { stream, ended: readCamera(stream) };
  },
  async stopCamera(): Promise<CameraFigures> {
    if (camera === undefined) throw new Error('the camera was not started');
    for (const track of camera.stream.getTracks()) track.stop();
    return camera.ended;
  },
  /** Loads, reads the portrait and disposes, so many times. */
  async rounds(count: number): Promise<void> {
    for (let i = 0; i < count; i++) {
      const one = await Recognizer.load(options);
      await one.recognize(portrait);
      await one.dispose();
    }
  },
};
export type PosterPage = typeof more;

declare global {
  var poster: PosterPage;
}
globalThis.poster = more;
