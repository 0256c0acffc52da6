import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import sharp from 'sharp';
import { type AnnotatedFace, annotate } from '../../draw/annotation.js';
import { overlaps } from '../../draw/area.js';
import { annotatedPicture } from './annotated-picture.js';

const scores = [
  { label: 'happiness', probability: 0.9 },
  { label: '<b>&"', probability: 0.1 },
];
function face(x: number, y: number, side: number): AnnotatedFace {
  const spot = (u: number, v: number): { x: number; y: number } => ({ x: x + u * side, y: y + v * side });
  const box = { x, y, width: side, height: side };
  return {
    geometry: { box, keypoints: [spot(0.3, 0.4)], crop: [spot(0, 0), spot(1, 0), spot(1, 1), spot(0, 1)] },
    scores,
  };
}

/** Grounds of labels: what is filled with nearly opaque colour. */
function grounds(svg: string): { x: number; y: number; width: number; height: number }[] {
  const rects = svg.matchAll(
    /<rect x="([-\d.]+)" y="([-\d.]+)" width="([\d.]+)" height="([\d.]+)" rx="[\d.]+" fill="#\w+" fill-opacity="0\.(?:82|95)"/g,
  );
  return [...rects].map(([, x, y, width, height]) => ({
    x: Number(x),
    y: Number(y),
    width: Number(width),
    height: Number(height),
  }));
}

test('labels lie in the picture, one for each face, and text can be read whatever the size', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 16, max: 9000 }),
      fc.integer({ min: 16, max: 9000 }),
      fc.array(fc.tuple(fc.double({ min: 0, max: 1, noNaN: true }), fc.double({ min: 0, max: 1, noNaN: true })), {
        maxLength: 8,
      }),
      (width, height, positions) => {
        fc.pre(Math.max(width, height) < 6 * Math.min(width, height));
        const side = 0.12 * Math.min(width, height);
        const faces = positions.map(([u, v]) => face(u * (width - side), v * (height - side), side));
        const drawn = annotate({ width, height }, faces);
        const labels = grounds(drawn.svg);
        assert.equal(labels.length, Math.max(1, faces.length));
        for (const { x, y, width, height } of labels) {
          assert.ok(x >= 0 && y >= 0 && x + width <= drawn.width + 0.02 && y + height <= drawn.height + 0.02);
        }
        const sizes = [...drawn.svg.matchAll(/font-size="([\d.]+)"/g)].map(([, size]) => Number(size));
        // In a crowd text shrinks, to what can be read when it is looked at closely.
        assert.ok(sizes.every((size) => size >= 12));
        if (faces.length <= 1) {
          assert.ok(sizes.every((size) => size >= 0.0139 * Math.max(drawn.width, drawn.height)));
        }
        assert.ok(Math.max(drawn.width, drawn.height) <= 4096);
      },
    ),
    // A narrow picture without a face once had its sentence reach beyond it.
    { numRuns: 200, examples: [[16, 80, []]] },
  );
});

test('where there is room no label covers a face or another label', () => {
  const faces = [face(100, 300, 200), face(1300, 300, 200)];
  const { svg } = annotate({ width: 1920, height: 1080 }, faces);
  const all = [...grounds(svg), ...faces.flatMap(({ geometry }) => (geometry === undefined ? [] : [geometry.box]))];
  assert.equal(all.length, 4);
  for (const [i, a] of all.entries()) for (const b of all.slice(i + 1)) assert.equal(overlaps(a, b), false);
});

test('in a crowd the picture grows until no label covers a face or another label', () => {
  const faces = Array.from({ length: 100 }, (_, i) => face(80 * (i % 10) + 15, 90 * Math.floor(i / 10) + 25, 50));
  const { svg, picture } = annotate({ width: 800, height: 900 }, faces, { grow: true });
  const labels = grounds(svg);
  assert.equal(labels.length, 100);
  const scale = picture.width / 800;
  assert.ok(scale > 1 && picture.height <= 4096);
  const boxes = faces.flatMap(({ geometry }) => (geometry === undefined ? [] : [geometry.box]));
  const scaled = boxes.map(({ x, y, width }) => ({
    ...{ x: x * scale, y: y * scale },
    ...{ width: width * scale, height: width * scale },
  }));
  for (const [i, label] of labels.entries()) {
    for (const other of [...labels.slice(i + 1), ...scaled]) assert.equal(overlaps(label, other), false);
  }
  // Frames of a video are of one size.
  assert.deepEqual(annotate({ width: 800, height: 900 }, faces).picture, { width: 800, height: 900 });
});

test('a sentence on a low picture lies within it', () => {
  const { svg } = annotate({ width: 2000, height: 70 }, []);
  const [ground] = grounds(svg);
  assert.ok(ground !== undefined && ground.y >= 0 && ground.y + ground.height <= 70);
});

test('labels from outside are text, not markup', () => {
  const { svg } = annotate({ width: 1000, height: 1000 }, [face(300, 300, 200)]);
  assert.doesNotMatch(svg, /<b>/);
  assert.match(svg, /&#60;b&#62;&#38;&#34;/);
});

test('no character of a label keeps a picture from being drawn', async () => {
  const picture = { width: 40, height: 30, channels: 1, data: new Uint8Array(1200) } as const;
  const odd = [{ label: 'a\u0000\ufffe\uffff\ud800]]>', probability: 1 }];
  const drawn = await annotatedPicture(picture, [{ ...face(10, 5, 12), scores: odd }], 'png');
  assert.equal((await sharp(drawn).metadata()).format, 'png');
});

test('a drawn picture: small ones enlarged, face crops with their labels beside them', async () => {
  const picture = { width: 40, height: 30, channels: 3, data: new Uint8Array(40 * 30 * 3).fill(128) } as const;
  const drawn = await sharp(await annotatedPicture(picture, [face(10, 5, 12)], 'png'))
    .raw()
    .toBuffer({ resolveWithObject: true });
  assert.deepEqual([drawn.info.width, drawn.info.height], [900, 675]);
  // Something was drawn, and the ground is as it was.
  assert.ok(new Set(drawn.data).size > 20);
  assert.equal(drawn.data[0], 128);
  const crop = await sharp(
    await annotatedPicture({ ...picture, channels: 1, data: picture.data.subarray(0, 1200) }, [{ scores }], 'jpeg'),
  ).metadata();
  assert.equal(crop.format, 'jpeg');
  assert.ok(crop.width > 1100);
});
