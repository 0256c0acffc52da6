import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { UserError } from '../common/errors.js';
import { bytesOf, copyRows, type Dtype, elementCount, fromFloat32, toFloat32 } from './tensor.js';

const convert = (dtype: Dtype, values: ArrayBufferView): number[] =>
  Array.from(toFloat32({ dtype, shape: [], data: bytesOf(values) }, 'x'));

test('elementCount', () => {
  assert.equal(elementCount([]), 1);
  assert.equal(elementCount([2, 3, 4]), 24);
  assert.equal(elementCount([5, 0]), 0);
  for (const bad of [[-1], [1.5], [Number.NaN], [2 ** 40, 2 ** 40], [2 ** 53], [2 ** 27, 2 ** 27]]) {
    assert(Number.isNaN(elementCount(bad)), String(bad));
  }
});

test('F16: zeros, ones, subnormals, largest, infinities, NaN', () => {
  const halves = new Uint16Array([
    0x0000, 0x8000, 0x3c00, 0xc000, 0x0001, 0x03ff, 0x0400, 0x7bff, 0x3555, 0x7c00, 0xfc00,
  ]);
  assert.deepEqual(convert('F16', halves), [
    0,
    -0,
    1,
    -2,
    2 ** -24,
    1023 * 2 ** -24,
    2 ** -14,
    65504,
    0.333251953125,
    Number.POSITIVE_INFINITY,
    Number.NEGATIVE_INFINITY,
  ]);
  assert(Number.isNaN(convert('F16', new Uint16Array([0x7e00]))[0]));
});

test('F16: every finite bit pattern is sign * fraction * 2^exponent', () => {
  const all = Uint16Array.from({ length: 65536 }, (_, i) => i).filter((half) => ((half >> 10) & 31) !== 31);
  const expected = Array.from(all, (half) => {
    const exponent = (half >> 10) & 31;
    const fraction = half & 1023;
    const size = exponent === 0 ? fraction * 2 ** -24 : (1024 + fraction) * 2 ** (exponent - 25);
    return half & 0x8000 ? -size : size;
  });
  assert.deepEqual(convert('F16', all), expected);
});

test('BF16 is the upper half of a float32, F64 is rounded to nearest', () => {
  assert.deepEqual(convert('BF16', new Uint16Array([0x3f80, 0xc040, 0x7f80, 0x0001])), [1, -3, Infinity, 2 ** -133]);
  assert.deepEqual(convert('F64', new Float64Array([0.1, -2, 1e300])), [Math.fround(0.1), -2, Infinity]);
});

test('F32 is a view of the same memory where it is aligned, a copy where not', () => {
  const array = new Float32Array([1, 2, 3]);
  const tensor = fromFloat32({ shape: [3], data: array });
  const view = toFloat32(tensor, 'x');
  array[1] = 7;
  assert.deepEqual([...view], [1, 7, 3]);
  const shifted = new Uint8Array(13);
  shifted.set(bytesOf(array), 1);
  assert.deepEqual([...toFloat32({ ...tensor, data: shifted.subarray(1) }, 'x')], [1, 7, 3]);
});

test('rows go where they are wanted, and the others stay', () => {
  const from = { shape: [3, 2], data: Float32Array.of(1, 2, 3, 4, 5, 6) };
  assert.deepEqual([...copyRows(new Float32Array(8).fill(9), from, [2, -1, 0, 2])], [5, 6, 9, 9, 1, 2, 5, 6]);
  assert.deepEqual([...copyRows(new Float32Array(2), { shape: [2], data: Float32Array.of(7, 8) }, [1, 0])], [8, 7]);
});

test('float32 bits survive, those of NaNs included', () => {
  fc.assert(
    fc.property(fc.uint32Array({ maxLength: 20 }), (bits) => {
      const data = new Float32Array(bits.buffer, bits.byteOffset, bits.length);
      const back = toFloat32(fromFloat32({ shape: [bits.length], data }), 'x');
      assert.deepEqual(new Uint32Array(back.buffer, back.byteOffset, back.length), bits);
    }),
    { numRuns: 50 },
  );
});

test('misuse is refused', () => {
  assert.throws(() => fromFloat32({ shape: [2, 2], data: new Float32Array(3) }), RangeError);
  assert.throws(() => convert('I64', new BigInt64Array(1)), UserError);
});
