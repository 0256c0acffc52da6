import * as z from 'zod';
import { UserError } from '../../common/errors.js';
import { parseJson } from '../../common/json.js';
import { shareOut, takePart, type UnitWork } from '../../node/ranks/share-out.js';
import type { RecognizerOptions } from '../../recognize/index.js';
import { openRecognizer } from '../checkpoint-options.js';
import { note } from '../context.js';
import { stopOnSignals } from '../interrupt.js';
import { writeOut } from '../stdout.js';
import type { VideoInput } from '../video/inputs.js';
import { checkVideos, type PredictVideoOptions, printsLines, watchVideos } from '../video/predict-video.js';
import { tellVideos, type VideoResult, type VideoTeller } from '../video/video-results.js';
import type { Ranks } from './by-ranks.js';
import { checkVisible } from './same-work.js';

const unitSchema = z.object({ name: z.string(), title: z.string(), source: z.string() });
type VideoUnit = z.infer<typeof unitSchema>;

/** What a rank has told of a video, and what came of it. */
const recordSchema = z.object({
  notes: z.array(z.string()),
  /** Of frames. */
  lines: z.array(z.string()),
  /** Null where it was not begun. */
  result: z.union([
    z.null(),
    z.strictObject({ video: z.string(), failed: z.string() }),
    z.strictObject({
      video: z.string(),
      fps: z.number(),
      document: z.record(z.string(), z.json()),
      summary: z.string(),
      failure: z.object({ reason: z.string(), code: z.int() }).exactOptional(),
    }),
  ]),
});

/**
 * Looks at videos with all ranks, at each with one: rank 0 gives them out, and tells what came of them in their order.
 * @param inputs for rank 0; those of the others come from it
 */
export async function predictVideosByRanks(
  ranks: Ranks,
  inputs: readonly VideoInput[] | undefined,
  options: PredictVideoOptions,
  recognizerOptions: RecognizerOptions,
): Promise<void> {
  const { probe } = await ranks.fromFirst(z.object({ probe: z.string() }), async () => {
    await checkVideos(inputs ?? [], options);
    return { probe: unitsOf(inputs ?? [])[0]?.source ?? '.' };
  });
  await checkVisible(ranks, probe);
  const lines = printsLines([], options);
  const recognizer = await openRecognizer(options, recognizerOptions);
  const stop = stopOnSignals('Finishing the frames in progress, then stopping; press again to quit at once.');
  const { detect = {} } = recognizerOptions;
  let isStopped = (): boolean => stop.signal.aborted;
  const work: UnitWork<VideoUnit> = async function* (units, stopping) {
    isStopped = () => stopping.aborted;
    for await (const unit of units) {
      const output: { readonly notes: string[]; readonly lines: string[] } = { notes: [], lines: [] };
      const teller: VideoTeller = {
        note: (sentence) => void output.notes.push(sentence),
        line: async (text) => void output.lines.push(text),
      };
      const input = { ...unit, live: false };
      const watching = watchVideos(recognizer, [input], { ...options, detect }, lines, stopping, teller);
      const { value: result = null } = await watching.next();
      yield { ...output, result };
    }
  };
  if (inputs === undefined) {
    try {
      return await takePart(ranks, unitSchema, { work, stop: stop.signal });
    } finally {
      stop.release();
      await recognizer.dispose();
    }
  }
  const units = unitsOf(inputs);
  let [done, wasLeftOut, wasStopped] = [0, false, false];
  async function* results(): AsyncGenerator<VideoResult, void, void> {
    for await (const { json, source } of shareOut(ranks, { units, ahead: 1, work, stop: stop.signal })) {
      const { notes, lines: frames, result } = parseJson(json, recordSchema, source);
      for (const sentence of notes) note(sentence);
      for (const line of frames) await writeOut(line);
      if (result === null) wasLeftOut = true;
      else if (!wasLeftOut) yield result;
      done++;
    }
    wasStopped = wasLeftOut || done < units.length || isStopped();
  }
  await tellVideos(results(), recognizer, options, lines, { isStopped: () => wasStopped, release: stop.release });
}

const unitsOf = (inputs: readonly VideoInput[]): VideoUnit[] =>
  inputs.map(({ name, title, source }) => {
    if (typeof source === 'string') return { name, title, source };
    throw new UserError('Only video files are divided among ranks; leave the other inputs out.', 'usage');
  });
