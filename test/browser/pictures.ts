/* Pictures of every kind that a page has: the same portrait, and what cannot be used. */
import type { ImageSource } from '../../src/entries/web.js';

async function loadedImage(address: string): Promise<HTMLImageElement> {
  const image = new Image();
  image.src = address;
  await image.decode();
  return image;
}

function drawn<C extends HTMLCanvasElement | OffscreenCanvas>(canvas: C, image: CanvasImageSource): C {
  const context = canvas.getContext('2d');
  if (context === null || !('drawImage' in context)) throw new Error('there is no canvas');
  context.drawImage(image, 0, 0);
  return canvas;
}

function canvasOf(width: number, height: number): HTMLCanvasElement {
  const canvas = document.createElement('canvas');
  canvas.width = width;
  canvas.height = height;
  return canvas;
}

/** A video that shows what is on a canvas, once it has a frame. */
async function videoOf(canvas: HTMLCanvasElement, image: CanvasImageSource): Promise<HTMLVideoElement> {
  const video = document.createElement('video');
  video.muted = true;
  video.srcObject = canvas.captureStream();
  const loaded = new Promise((resolve) => video.addEventListener('loadeddata', resolve));
  const playing = video.play();
  // A frame comes when something is drawn.
  const drawing = setInterval(() => drawn(canvas, image), 50);
  await Promise.all([playing, loaded]);
  clearInterval(drawing);
  return video;
}

/** The picture at an address, as every kind of value that holds one, by the names of their types. */
export async function everyKind(address: string): Promise<Record<string, ImageSource>> {
  const blob = await (await fetch(address)).blob();
  const image = await loadedImage(address);
  const canvas = drawn(canvasOf(image.width, image.height), image);
  const offscreen = drawn(new OffscreenCanvas(image.width, image.height), image);
  const pixels = canvas.getContext('2d')?.getImageData(0, 0, image.width, image.height);
  if (pixels === undefined) throw new Error('there is no canvas');
  return {
    Blob: blob,
    File: new File([blob], 'portrait.png'),
    ArrayBuffer: await blob.arrayBuffer(),
    Uint8Array: new Uint8Array(await blob.arrayBuffer()),
    string: address,
    URL: new URL(address, location.href),
    ImageData: pixels,
    ImageBitmap: await createImageBitmap(blob),
    HTMLImageElement: image,
    HTMLCanvasElement: canvas,
    OffscreenCanvas: offscreen,
    VideoFrame: new VideoFrame(canvas, { timestamp: 0 }),
    HTMLVideoElement: await videoOf(canvasOf(image.width, image.height), image),
  };
}

/** What is no picture that can be used, by what is wrong with it. */
export async function unusable(address: string, elsewhere: string): Promise<Record<string, ImageSource>> {
  const image = await loadedImage(address);
  const bitmap = await createImageBitmap(image);
  bitmap.close();
  const frame = new VideoFrame(image, { timestamp: 0 });
  frame.close();
  const loading = new Image();
  loading.src = 'never.png';
  const missing = new Image();
  missing.src = 'nowhere.png';
  await missing.decode().catch(() => undefined);
  return {
    'tainted canvas': drawn(canvasOf(8, 8), await loadedImage(elsewhere)),
    'image of another origin': await loadedImage(elsewhere),
    'image that is loading': loading,
    'image that is missing': missing,
    'video without a frame': document.createElement('video'),
    'canvas without pixels': canvasOf(0, 0),
    'canvas that is huge': canvasOf(60_000, 60_000),
    'closed bitmap': bitmap,
    'closed frame': frame,
    'no bytes': new Blob([]),
    'missing file': 'nowhere.png',
    // As a program without types may pass.
    'an object': {} as ImageSource,
  };
}
