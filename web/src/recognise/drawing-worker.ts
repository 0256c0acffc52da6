/** The worker that draws results over a picture, for `drawing.ts`. */
import { annotateRecognition } from 'poster-v2';
import { messageOf } from '../state/errors.js';
import type { DrawReply, DrawRequest } from './drawing.js';

const reply = (message: DrawReply): void => postMessage(message);

/** The drawing under way: each visitor's wish has a worker of its own. */
let canvas: OffscreenCanvas | undefined;

async function answer(request: DrawRequest): Promise<void> {
  if (request.type === 'draw') {
    const { width, height, picture, svg } = annotateRecognition(request.recognition, request.template);
    canvas = new OffscreenCanvas(width, height);
    const context = contextOf(canvas);
    context.fillStyle = '#22262d';
    context.fillRect(0, 0, width, height);
    context.imageSmoothingQuality = 'high';
    const image = await createImageBitmap(request.file, { imageOrientation: 'from-image' });
    context.drawImage(image, 0, 0, picture.width, picture.height);
    image.close();
    reply({ type: 'labels', svg, width, height });
  } else if (canvas === undefined) {
    throw new Error('there is nothing to draw on.');
  } else if (request.type === 'labels') {
    contextOf(canvas).drawImage(request.labels, 0, request.top);
    request.labels.close();
  } else {
    reply({ type: 'drawn', png: await canvas.convertToBlob({ type: 'image/png' }) });
  }
}

function contextOf(drawn: OffscreenCanvas): OffscreenCanvasRenderingContext2D {
  const context = drawn.getContext('2d');
  if (context === null) throw new Error('this browser gives no canvas.');
  return context;
}

addEventListener('message', ({ data }: MessageEvent<DrawRequest>) => {
  answer(data).catch((error: unknown) => reply({ type: 'failed', reason: messageOf(error) }));
});
