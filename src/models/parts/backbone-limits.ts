// Bounds keep a hostile checkpoint from asking for a graph that fills the memory.
import * as z from 'zod';
import type { Ir50Config } from './ir50.js';

/** How many units, blocks or heads there may be. */
export const depthLimit = { least: 1, most: 64 } as const;
export const depth = z.int().min(depthLimit.least).max(depthLimit.most);
/** Channels of a map, or of a token. */
export const widthLimit = z.int().min(1).max(4096);
/** Of a picture or a window, in pixels. */
export const sideLimit = z.int().min(1).max(1024);

/** Both backbones have three stages. */
export const stagesOf = <Stage extends z.ZodType>(stage: Stage) => z.array(stage).length(3);

export const ir50Schema: z.ZodType<Ir50Config> = z.strictObject({
  stem: widthLimit,
  stages: stagesOf(z.strictObject({ channels: widthLimit, units: depth })),
});
