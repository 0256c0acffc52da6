import assert from 'node:assert/strict';
import { test } from 'node:test';
import { cellSize, type Maps } from './candidates.js';
import type { DetectorNetwork } from './detector-network.js';
import { detectFaces } from './find-faces.js';

/** A face as the network would propose it: middle, side and score, in pixels of its input. */
interface Proposal {
  readonly x: number;
  readonly y: number;
  readonly side: number;
  readonly score: number;
}

function mapsOf(width: number, height: number, proposals: readonly Proposal[]): Maps {
  const [columns, rows] = [width / cellSize, height / cellSize];
  const plane = columns * rows;
  const scores = new Float32Array(plane).fill(-20);
  const regressors = new Float32Array(16 * plane);
  for (const { x, y, side, score } of proposals) {
    const [column, row] = [Math.floor(x / cellSize), Math.floor(y / cellSize)];
    const cell = row * columns + column;
    const anchor = { x: (column + 0.5) * cellSize, y: (row + 0.5) * cellSize };
    const put = (channel: number, value: number): void => {
      regressors[channel * plane + cell] = value;
    };
    const point = (channel: number, dx: number, dy: number): void => {
      put(channel, x + dx * side - anchor.x);
      put(channel + 1, y + dy * side - anchor.y);
    };
    scores[cell] = Math.log(score / (1 - score));
    put(0, x - anchor.x);
    put(1, y - anchor.y);
    put(2, side);
    put(3, side);
    const points = [
      [-0.2, -0.2],
      [0.2, -0.2],
      [0, 0],
      [0, 0.2],
      [-0.4, 0],
      [0.4, 0],
    ] as const;
    for (const [i, [dx, dy]] of points.entries()) point(4 + 2 * i, dx, dy);
  }
  return { width: columns, height: rows, scores, regressors };
}

/** A network that answers in turn: for each run what it proposes in each of its pictures; `runs` counts them. */
function scripted(answers: readonly (readonly (readonly Proposal[])[])[]): DetectorNetwork & { runs: number } {
  const rest = [...answers];
  return {
    runs: 0,
    async run(_, n, height, width) {
      this.runs++;
      const next = rest.shift() ?? [];
      return Array.from({ length: n }, (_, i) => mapsOf(width, height, next[i] ?? []));
    },
    dispose: async () => undefined,
  };
}

const picture = { width: 640, height: 640, channels: 1, data: new Uint8Array(640 * 640) } as const;
/** In the middle of a refinement, at the size that it makes of a face. */
const confirmed: Proposal = { x: 48, y: 48, side: 48, score: 0.9 };

test('at most so many faces are those that stay, not those that were proposed first', async () => {
  const proposed = [
    { x: 80, y: 96, side: 20, score: 0.95 },
    { x: 110, y: 96, side: 20, score: 0.8 },
  ];
  for (const maxFaces of [1, 2]) {
    // Nothing upright; amid black two, of which the refinement confirms the less certain one.
    const network = scripted([[[]], [proposed], [[], [confirmed]]]);
    const faces = await detectFaces(network, picture, { scales: [96], turned: false, maxFaces });
    assert.equal(faces.length, 1);
    assert.ok((faces[0]?.box.x ?? 0) > 320);
  }
});

test('a face within another one of another size goes, also where a refinement brought it there', async () => {
  const small = { x: 290, y: 320, side: 60, score: 0.7 };
  // At a scale of 96, in pixels of 640 / 96: 300 wide; the refinement moves it to the side, over the small one.
  const large = { x: 63, y: 48, side: 45, score: 0.9 };
  const shifted = { ...confirmed, x: 38 };
  const network = scripted([[[small]], [[large]], [[shifted], []]]);
  const faces = await detectFaces(network, picture, { scales: [96, 640], turned: false });
  assert.deepEqual(
    faces.map(({ box }) => Math.round(box.width)),
    [300],
  );
});

test('an upright picture takes no rotated scans, unless always; a trace that is confirmed turned makes it worth them', async () => {
  const upright = { x: 48, y: 48, side: 20, score: 0.95 };
  const runs = async (answers: Parameters<typeof scripted>[0], turned: true | 'always'): Promise<number> => {
    const network = scripted(answers);
    assert.ok((await detectFaces(network, picture, { scales: [96], turned })).length >= 1);
    return network.runs;
  };
  const found = [[[upright]], [[confirmed]]];
  assert.equal(await runs(found, true), 2);
  // At 96 and amid black on the sides and upside down, so too on the diagonals.
  assert.equal(await runs(found, 'always'), 2 + 3 * 2 + 4 * 2);
  const traces = { x: 20, y: 20, side: 20, score: 0.3 };
  const sideways = { ...confirmed, x: 32, y: 32, side: 32 };
  assert.equal(await runs([[[upright, traces]], [[confirmed]], [[], [], []]], true), 3);
  assert.equal(
    await runs([[[upright, traces]], [[confirmed]], [[sideways], [], []], [[confirmed]]], true),
    4 + 3 * 2 + 4 * 2,
  );
});

test('a signal ends the search between two runs, also of refinements', async () => {
  // More than are refined in one run.
  const many = Array.from({ length: 20 }, (_, i) => ({
    x: 60 + 120 * (i % 5),
    y: 60 + 120 * Math.floor(i / 5),
    side: 20,
    score: 0.95,
  }));
  const trace = { x: 48, y: 48, side: 20, score: 0.3 };
  const sideways = { ...confirmed, x: 32, y: 32, side: 32 };
  // Of the scan before faces are refined, of some before the rest are, of what may lie before that is turned and before it is refined.
  const cases: readonly (readonly [scale: number, answers: Parameters<typeof scripted>[0], after: number])[] = [
    [640, [[many]], 1],
    [640, [[many]], 2],
    [96, [[[trace]]], 1],
    [96, [[[trace]], [[sideways], [], []]], 2],
  ];
  for (const [scale, answers, after] of cases) {
    const stop = new AbortController();
    const network = scripted(answers);
    const stopping: DetectorNetwork = {
      ...network,
      run(...input) {
        if (network.runs + 1 === after) stop.abort(new Error('enough'));
        return network.run(...input);
      },
    };
    await assert.rejects(detectFaces(stopping, picture, { scales: [scale], signal: stop.signal }), /enough/);
    assert.equal(network.runs, after);
  }
});
