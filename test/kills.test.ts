import assert from 'node:assert/strict';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { z } from 'zod';
import { loadTrainState, readDescription, readSafetensors, saveLast } from '../src/node/checkpoints/index.js';
import { lockFileName } from '../src/node/files/folder-lock.js';
import { Event, recordsIn, sessionStart } from '../src/node/report/index.js';
import { readHistory } from '../src/node/runs/index.js';
import { Killed, type Moment, watchWrites } from './support/killed-writes.js';
import { epochs, smallRun } from './support/small-run.js';

const dir = await mkdtemp(join(tmpdir(), 'poster-kills-'));
const kills = watchWrites();
after(async () => {
  kills.restore();
  await rm(dir, { recursive: true, force: true });
});

/** A folder's scalars as TensorBoard shows them: what a start voids is dropped. */
async function scalarsOf(folder: string): Promise<Record<string, [step: number, value: number][]>> {
  const schema = z.looseObject({
    step: z.number().default(0),
    sessionLog: z.looseObject({ status: z.number() }).optional(),
    summary: z
      .looseObject({
        value: z.array(
          z.looseObject({
            tag: z.string(),
            simpleValue: z.number().optional(),
            image: z.looseObject({ width: z.number() }).optional(),
          }),
        ),
      })
      .optional(),
  });
  let points: { tag: string; step: number; value: number }[] = [];
  for (const name of (await readdir(folder)).filter((name) => name.includes('tfevents')).sort()) {
    for (const record of recordsIn(await readFile(join(folder, name)))) {
      const { step, sessionLog, summary } = schema.parse(Event.toObject(Event.decode(record), { longs: Number }));
      if (sessionLog?.status === sessionStart) points = points.filter((point) => point.step < step);
      for (const { tag, simpleValue, image } of summary?.value ?? []) {
        const value = simpleValue ?? image?.width;
        if (value !== undefined) points.push({ tag, step, value });
      }
    }
  }
  const scalars = new Map<string, [number, number][]>();
  for (const { tag, step, value } of points) scalars.set(tag, [...(scalars.get(tag) ?? []), [step, value]]);
  return Object.fromEntries(scalars);
}

/** All that a finished run leaves, without times of day and how long it took. */
async function resultOf(folder: string) {
  const last = await loadTrainState(join(folder, 'last.safetensors'));
  const history = await readHistory(join(folder, 'metrics.jsonl'));
  const { seconds: _, ...accumulators } = last.state.accumulators;
  const best = join(folder, 'best.safetensors');
  return {
    files: [...new Set((await readdir(folder)).map((name) => name.replace(/tfevents.*/, 'tfevents')))].sort(),
    state: { ...last.state, accumulators },
    weights: last.model.parameters,
    best: [...(await readSafetensors(best)).tensors],
    bestMetrics: (await readDescription(best)).training,
    epochs: history.filter(({ event }) => event === 'epoch').map(({ seconds: _, ...line }) => line),
    scalars: await scalarsOf(folder),
  };
}

/** Runs until the kill; then as another process, which finds the lock of a dead one, to the end. */
async function killedAndResumed(folder: string, saveEvery: number, at: number, moment: Moment): Promise<string[]> {
  kills.revive();
  kills.arm(at, moment);
  // Event files that cannot be written stop nothing: then the run ends, and what is not written is missing all the same.
  await smallRun(folder, saveEvery).catch((error: unknown) => assert.ok(error instanceof Killed, String(error)));
  kills.revive();
  await rm(join(folder, lockFileName), { force: true });
  const notes: string[] = [];
  const { epochs: finished } = await smallRun(folder, saveEvery, undefined, { onNote: (note) => notes.push(note) });
  assert.equal(finished, epochs);
  return notes;
}

// Before any test: all share the counting of changes.
const cases: { title: string; saveEvery: number; changes: string[]; expected: Awaited<ReturnType<typeof resultOf>> }[] =
  [];
for (const [title, saveEvery] of [
  ['with a save after every step', 0],
  ['with saves at the ends of epochs', 1e9],
] as const) {
  const whole = join(dir, `whole-${saveEvery}`);
  kills.revive();
  await smallRun(whole, saveEvery);
  cases.push({ title, saveEvery, changes: [...kills.changes], expected: await resultOf(whole) });
}

describe('a run that is stopped', () => {
  it('in the last step of an epoch goes on to the same lines and points', async () => {
    const expected = cases.find(({ saveEvery }) => saveEvery > 0)?.expected;
    for (let stop = 1; stop <= 6; stop++) {
      const folder = join(dir, `stopped-${stop}`);
      const controller = new AbortController();
      const { interrupted } = await smallRun(folder, 1e9, controller.signal, {
        onStep: ({ step }) => {
          if (step === stop) controller.abort();
        },
      });
      assert.equal(interrupted, true);
      await smallRun(folder, 1e9);
      assert.deepEqual(await resultOf(folder), expected, `stopped after step ${stop}`);
    }
  });

  it('keeps how long an epoch took', async () => {
    const folder = join(dir, 'long');
    const controller = new AbortController();
    await smallRun(folder, 1e9, controller.signal, {
      onStep: ({ step }) => {
        if (step === 1) controller.abort();
      },
    });
    const path = join(folder, 'last.safetensors');
    const { model, state } = await loadTrainState(path);
    await saveLast(folder, model, { ...state, accumulators: { ...state.accumulators, seconds: 1000 } });
    await smallRun(folder, 1e9);
    const [first] = (await readHistory(join(folder, 'metrics.jsonl'))).filter(({ event }) => event === 'epoch');
    assert.ok(Number(first?.['seconds']) > 1000);
  });

  it('says that its history is gone, and tells TensorBoard what it still knows', async () => {
    for (const [name, left] of [
      ['history-gone', 0],
      ['history-cut', 2],
    ] as const) {
      const folder = join(dir, name);
      const controller = new AbortController();
      const stopAfter = { onEpoch: ({ epoch }: { epoch: number }) => (epoch === 2 ? controller.abort() : undefined) };
      await smallRun(folder, 1e9, controller.signal, stopAfter);
      for (const file of await readdir(folder)) if (file.includes('tfevents')) await rm(join(folder, file));
      const path = join(folder, 'metrics.jsonl');
      const lines = (await readFile(path, 'utf8')).split('\n').slice(0, left);
      if (left === 0) await rm(path);
      else await writeFile(path, lines.map((line) => `${line}\n`).join(''));
      const notes: string[] = [];
      await smallRun(folder, 1e9, undefined, { onNote: (note) => notes.push(note) });
      const which = left === 0 ? /does not tell 2 of the 2 epochs so far, the first is 1: / : /does not tell epoch 2: /;
      assert.equal(notes.length, 1);
      assert.match(notes[0] ?? '', which);
      const { epoch } = await scalarsOf(folder);
      assert.deepEqual(
        epoch,
        left === 0
          ? [[6, 3]]
          : [
              [2, 1],
              [6, 3],
            ],
      );
    }
  });
});

for (const { title, saveEvery, changes, expected } of cases) {
  describe(`a run ${title}, killed and resumed,`, () => {
    it('is one of three epochs, each told once, whose learning rates are those of the schedule', () => {
      assert.deepEqual(expected.files, [
        'best.safetensors',
        'events.out.tfevents',
        'last.safetensors',
        'metrics.jsonl',
      ]);
      assert.deepEqual(
        expected.epochs.map(({ epoch, step, best }) => [epoch, step, best]),
        [
          [1, 2, true],
          [2, 4, false],
          [3, 6, true],
        ],
      );
      assert.ok(expected.epochs.every(({ lr, lrStart }) => Number(lr) > 0 && Number(lrStart) > 0));
      assert.deepEqual(expected.scalars['validation/confusion'], [
        [2, 1],
        [6, 1],
      ]);
      assert.deepEqual(
        expected.scalars['epoch'],
        [2, 4, 6].map((step, i) => [step, i + 1]),
      );
      assert.deepEqual(
        expected.scalars['loss/batch']?.map(([step]) => step),
        [1, 2, 3, 4, 5, 6],
      );
    });

    it(`leaves the same at each of ${changes.length} changes of the disk`, async () => {
      for (const [at, change] of changes.entries()) {
        // Before a change is after the one before it.
        const moments: Moment[] = [
          ...(at === 0 ? (['before'] as const) : []),
          ...(/^(write|append)/.test(change) ? (['half'] as const) : []),
          'after',
        ];
        for (const moment of moments) {
          const folder = join(dir, `killed-${saveEvery}-${at}-${moment}`);
          const notes = await killedAndResumed(folder, saveEvery, at, moment);
          const where = `${moment} change ${at}, ${change}`;
          assert.deepEqual(notes, [], where);
          assert.deepEqual(await resultOf(folder), expected, where);
          await rm(folder, { recursive: true });
        }
      }
    });
  });
}
