import { join } from 'node:path';
import type { CropTemplate } from '../../common/preprocessing.js';
import { type AnnotatedFace, annotatedFace } from '../../draw/index.js';
import type { Picture } from '../../image/index.js';
import { annotatedPicture, annotatedPixels } from '../../node/draw/annotated-picture.js';
import { type FfmpegPaths, VideoWriter } from '../../node/ffmpeg/index.js';
import { writeFileAtomic } from '../../node/files/files.js';
import { makeFolder } from '../../node/files/output-paths.js';
import type { VideoFace, VideoFrame } from '../../video/index.js';
import type { FrameOutput } from './outputs.js';

const annotated = ({ id, box, keypoints, smoothed }: VideoFace, template: CropTemplate): AnnotatedFace =>
  annotatedFace({ name: String(id), box, keypoints, scores: smoothed }, template);

/** Frames with what was recognised drawn on them, as pictures of a folder. */
export async function frameFolder(folder: string, template: CropTemplate): Promise<FrameOutput> {
  await makeFolder(folder);
  return {
    async add({ frame, faces, picture }) {
      if (picture === undefined) return;
      const drawn = await annotatedPicture(
        picture,
        faces.map((face) => annotated(face, template)),
        'jpeg',
      );
      await writeFileAtomic(join(folder, `${String(frame).padStart(6, '0')}.jpg`), drawn);
    },
    end: async () => undefined,
  };
}

/** At most so many seconds that a live stream lost, or in which a video shows nothing, are filled with the frame before. */
const longestFreeze = 10;

/** The same as a video. The file is there once it is whole. */
export function drawnVideo(path: string, template: CropTemplate, fps: number, paths: FfmpegPaths): FrameOutput {
  let writer: VideoWriter | undefined;
  let last: { readonly time: number; readonly pixels: Picture } | undefined;
  return {
    async add({ time, faces, picture }: VideoFrame) {
      if (picture === undefined) return;
      const pixels = await annotatedPixels(
        picture,
        faces.map((face) => annotated(face, template)),
      );
      const { width, height } = pixels;
      writer ??= await VideoWriter.open(path, { ...paths, width, height, fps });
      const missed = last === undefined ? 0 : Math.round(Math.min((time - last.time) * fps - 1, longestFreeze * fps));
      for (let i = 0; i < missed && last !== undefined; i++) await writer.write(last.pixels.data);
      await writer.write(pixels.data);
      last = { time, pixels };
    },
    async end() {
      await writer?.close();
    },
  };
}
