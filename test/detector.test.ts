import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import sharp from 'sharp';
import { UserError } from '../src/common/errors.js';
import { random } from '../src/common/random.js';
import { loadFaceDetector } from '../src/detect/detector.js';
import type { Face } from '../src/detect/face.js';
import { transformedFace } from '../src/detect/face-transform.js';
import { roll } from '../src/detect/roll.js';
import { rotated } from '../src/detect/rotate-picture.js';
import { type Picture, resizeBilinear, toLuma } from '../src/image/index.js';
import { transformed } from '../src/image/similarity.js';
import { decodePicture } from '../src/node/decode/index.js';

const detector = await loadFaceDetector();
after(() => detector.dispose());
const file = new URL('../../assets/astronaut.png', import.meta.url).pathname;
const portrait = await decodePicture(file);
/** Half as large: the long side of 640 is left out, which takes most of the time. */
const half = resizeBilinear(portrait, 256, 256);

/** Found by eye, to a few pixels. */
const eyes = { right: { x: 205, y: 101 }, left: { x: 246, y: 104 } };
const mouth = { x: 224, y: 147 };

function checkPortrait(faces: readonly Face[], scale = 1): void {
  assert.equal(faces.length, 1);
  const [face] = faces;
  assert.ok(face !== undefined && face.score > 0.6 && face.score <= 1);
  const near = (p: { x: number; y: number }, q: { x: number; y: number }): boolean =>
    Math.hypot(p.x / scale - q.x, p.y / scale - q.y) < 5;
  assert.ok(near(face.keypoints.rightEye, eyes.right), JSON.stringify(face.keypoints));
  assert.ok(near(face.keypoints.leftEye, eyes.left), JSON.stringify(face.keypoints));
  assert.ok(near(face.keypoints.mouth, mouth), JSON.stringify(face.keypoints));
  const { x, y, width, height } = face.box;
  assert.ok(Math.abs(width / height - 1) < 0.05 && width > 85 * scale && width < 130 * scale);
  assert.ok(x < eyes.right.x * scale && y < eyes.right.y * scale && y + height > mouth.y * scale);
}

test('the face of the portrait is found, in colour and in gray, large and small', async () => {
  checkPortrait(await detector.detect(portrait));
  checkPortrait(await detector.detect(toLuma(half)), 0.5);
  checkPortrait(await detector.detect(resizeBilinear(portrait, 1024, 1024)), 2);
});

test('in tall and wide pictures faces are where they are, whatever whole pixels make of their copies', async () => {
  const noseOffset = async (width: number, height: number, left: number, top: number): Promise<[number, number]> => {
    const canvas = sharp({ create: { width, height, channels: 3, background: '#888' } });
    const bytes = await canvas
      .composite([{ input: file, left, top }])
      .png()
      .toBuffer();
    const [face] = await detector.detect(await decodePicture(bytes));
    assert.ok(face);
    return [face.keypoints.noseTip.x - left, face.keypoints.noseTip.y - top];
  };
  // 600 of 2400 pixels are 160 of 640; the others are cut to whole pixels. The face is 108 pixels wide.
  const [exactX, exactY] = await noseOffset(600, 2400, 40, 1800);
  for (const width of [602, 598]) {
    const [x, y] = await noseOffset(width, 2400, 40, 1800);
    assert.ok(Math.hypot(x - exactX, y - exactY) < 2.5, `${width}: ${x - exactX}, ${y - exactY}`);
    const [wideX, wideY] = await noseOffset(2400, width, 1800, 40);
    assert.ok(Math.hypot(wideX - exactX, wideY - exactY) < 3, `wide ${width}: ${wideX - exactX}, ${wideY - exactY}`);
  }
});

test('a picture is taken as its EXIF orientation says', async () => {
  // Stored on its side: what is up in the picture is left in the file.
  const stored = await sharp(half.data, { raw: { width: 256, height: 256, channels: 3 } })
    .rotate(-90)
    .withMetadata({ orientation: 6 })
    .jpeg({ quality: 95 })
    .toBuffer();
  assert.equal((await sharp(stored).metadata()).orientation, 6);
  checkPortrait(await detector.detect(await decodePicture(stored)), 0.5);
});

test('a turned picture has its face where it is', async () => {
  for (const degrees of [90, 180, 225]) {
    const { picture, back } = rotated(half, degrees);
    const [face, ...others] = await detector.detect(picture);
    assert.ok(face !== undefined && others.length === 0, `${degrees}`);
    const upright = transformed(back, face.keypoints.mouth);
    assert.ok(
      Math.hypot(2 * upright.x - mouth.x, 2 * upright.y - mouth.y) < 6,
      `${degrees}: ${JSON.stringify(upright)}`,
    );
  }
  const upsideDown = rotated(half, 180).picture;
  assert.deepEqual(await detector.detect(upsideDown, { turned: false }), []);
});

/** Heads of the portrait on gray, each turned by so many degrees, beside each other; with the middles of their faces. */
async function group(rolls: readonly number[]): Promise<Picture> {
  const head = await sharp(file).extract({ left: 110, top: 0, width: 230, height: 230 }).png().toBuffer();
  const heads = rolls.map(async (degrees, i) => {
    const input = await sharp(head).rotate(degrees, { background: '#7f7f7f' }).png().toBuffer();
    const { width = 0, height = 0 } = await sharp(input).metadata();
    return { input, left: Math.round(170 + 330 * i - width / 2), top: Math.round(200 - height / 2) };
  });
  const canvas = sharp({ create: { width: 330 * rolls.length, height: 400, channels: 3, background: '#7f7f7f' } });
  return decodePicture(
    await canvas
      .composite(await Promise.all(heads))
      .png()
      .toBuffer(),
  );
}

/** Of each head from the left: how many faces are found in it, and by how much the first is turned, in degrees. */
function byHead(faces: readonly Face[], heads: number): { readonly count: number; readonly roll: number }[] {
  return Array.from({ length: heads }, (_, i) => {
    const own = faces.filter(({ box }) => Math.floor((box.x + box.width / 2) / 330) === i);
    return { count: own.length, roll: own[0] === undefined ? Number.NaN : (roll(own[0]) * 180) / Math.PI };
  });
}

const apart = (a: number, b: number): number => Math.abs(((((a - b) % 360) + 540) % 360) - 180);

test('a group that lies on a side or upside down has the faces that it has upright', async () => {
  const rolls = [-20, 0, 25];
  const upright = await group(rolls);
  for (const degrees of [0, 90, 180, 270]) {
    const { picture, back } = rotated(upright, degrees);
    const faces = (await detector.detect(picture)).map((face) => transformedFace(face, back));
    for (const [i, { count, roll }] of byHead(faces, rolls.length).entries()) {
      assert.equal(count, 1, `${degrees}, head ${i}`);
      // The portrait's head leans by 4 degrees itself.
      assert.ok(apart(roll, (rolls[i] ?? Number.NaN) + 4) < 15, `${degrees}, head ${i}: ${roll}`);
    }
  }
});

test('faces that lie beside upright ones are found, and only those with turned: false', async () => {
  const rolls = [0, 90, 180, 270];
  const picture = await group(rolls);
  for (const turned of [true, 'always'] as const) {
    const found = byHead(await detector.detect(picture, { turned }), rolls.length);
    for (const [i, { count, roll }] of found.entries()) {
      assert.equal(count, 1, `head ${i}`);
      assert.ok(apart(roll, (rolls[i] ?? Number.NaN) + 4) < 15, `head ${i}: ${roll}`);
    }
  }
  assert.ok((await detector.detect(picture, { turned: false })).length < rolls.length);
});

test('a crop that is all face is found', async () => {
  const crop = await decodePicture(new URL('../../assets/astronaut-face.png', import.meta.url).pathname);
  assert.equal((await detector.detect(crop)).length, 1);
  assert.equal((await detector.detect(resizeBilinear(crop, 48, 48))).length, 1);
});

function picture(width: number, height: number, value: (i: number) => number): Picture {
  return { width, height, channels: 3, data: Uint8Array.from({ length: width * height * 3 }, (_, i) => value(i)) };
}

test('no face is found where none is', async () => {
  const generator = random(1, 'noise');
  assert.deepEqual(await detector.detect(picture(160, 120, () => generator.int(256))), []);
  assert.deepEqual(await detector.detect(picture(120, 160, () => 90)), []);
  assert.deepEqual(await detector.detect(picture(1, 1, () => 200)), []);
  assert.deepEqual(await detector.detect(picture(5000, 1, () => 200)), []);
  assert.deepEqual(await detector.detect(picture(2000, 8, (i) => i % 256)), []);
});

test('options leave out faces, and say what cannot be', async () => {
  // Two portraits beside each other, one smaller.
  const [large, small] = [half, resizeBilinear(portrait, 160, 160)];
  const both = { width: 416, height: 256, channels: 3, data: new Uint8Array(416 * 256 * 3) } as const;
  for (let y = 0; y < 256; y++) both.data.set(large.data.subarray(y * 768, (y + 1) * 768), y * 416 * 3);
  for (let y = 0; y < 160; y++) both.data.set(small.data.subarray(y * 480, (y + 1) * 480), (y * 416 + 256) * 3);
  const scales = [192, 416];
  const all = await detector.detect(both, { scales });
  assert.equal(all.length, 2);
  assert.ok((all[0]?.score ?? 0) >= (all[1]?.score ?? 1));
  assert.deepEqual(await detector.detect(both, { scales, maxFaces: 1 }), all.slice(0, 1));
  const wide = await detector.detect(both, { scales, minSize: 45 });
  assert.deepEqual(
    wide.map(({ box }) => box.x < 256),
    [true],
  );
  assert.deepEqual(await detector.detect(both, { scales, minSize: 200 }), []);
  for (const wrong of [
    { minScore: 0 },
    { minScore: 1 },
    { maxFaces: 0 },
    { minSize: -1 },
    { scales: [] },
    { scales: [20] },
  ]) {
    await assert.rejects(detector.detect(both, wrong), UserError);
  }
  const sometimes = Reflect.apply(detector.detect, detector, [both, { turned: 'sometimes' }]);
  await assert.rejects(sometimes, /The option 'turned' of detect cannot be sometimes; give true, false or 'always'\./);
});

test('a signal stops the search', async () => {
  const reason = new Error('enough');
  await assert.rejects(detector.detect(portrait, { signal: AbortSignal.abort(reason) }), reason);
});

test('weights that are not the network are refused', async () => {
  await assert.rejects(
    loadFaceDetector({ weights: new Uint8Array(100) }),
    /The face detector's file is not the face detector's network/,
  );
});
