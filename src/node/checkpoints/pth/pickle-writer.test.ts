import assert from 'node:assert/strict';
import { test } from 'node:test';
import { pickle, pickleCall, pickleFloat, pickleGlobal, pickleOrderedDict, pickleTuple } from './pickle-writer.js';

const hex = (value: Parameters<typeof pickle>[0]): string => Buffer.from(pickle(value)).toString('latin1');

test('values are written with the operations of protocol 2', () => {
  // As pickletools.dis and pickle.loads of CPython read them.
  const body = (value: Parameters<typeof pickle>[0]): string => hex(value).slice(2, -1);
  assert.equal(hex(null), '\x80\x02N.');
  assert.equal(body([true, false]), '](\x88\x89e');
  assert.equal(body(255), 'K\xff');
  assert.equal(body(256), 'J\x00\x01\x00\x00');
  assert.equal(body(-1), 'J\xff\xff\xff\xff');
  assert.equal(body(2 ** 31), '\x8a\x08\x00\x00\x00\x80\x00\x00\x00\x00');
  assert.equal(body(-(2 ** 53) + 1), '\x8a\x08\x01\x00\x00\x00\x00\x00\xe0\xff');
  assert.equal(body(1.5), 'G\x3f\xf8\x00\x00\x00\x00\x00\x00');
  assert.equal(body(pickleFloat(2)), 'G\x40\x00\x00\x00\x00\x00\x00\x00');
  assert.equal(body(Number.POSITIVE_INFINITY), 'G\x7f\xf0\x00\x00\x00\x00\x00\x00');
  assert.equal(body('ü'), 'X\x02\x00\x00\x00\xc3\xbc');
  assert.equal(body(new Map([['a', 1]])), '}(X\x01\x00\x00\x00aK\x01u');
  assert.equal(body(new Map()), '}');
  assert.equal(body([]), '](e');
  assert.equal(body(pickleTuple()), ')');
  assert.equal(body(pickleTuple(1, 2, 3)), 'K\x01K\x02K\x03\x87');
  assert.equal(body(pickleTuple(1, 2, 3, 4)), '(K\x01K\x02K\x03K\x04t');
  assert.equal(body(pickleCall(pickleGlobal('m', 'f'), 7)), 'cm\nf\nK\x07\x85R');
  assert.equal(body(pickleOrderedDict(new Map([[1, null]]))), 'ccollections\nOrderedDict\n)R(K\x01Nu');
  assert.equal(body({ kind: 'persistent', id: 'x' }), 'X\x01\x00\x00\x00xQ');
  assert.throws(() => pickle(2 ** 53), RangeError);
});
