import assert from 'node:assert/strict';
import { test } from 'node:test';
import { errorData, errorOf, UserError } from './errors.js';

test('an error is the same on the other side of a thread', () => {
  const error = new UserError('There is no GPU; choose another device.', 'device', { settings: ['device'] });
  const crossed = errorOf(structuredClone(errorData(error)));
  assert.ok(crossed instanceof UserError);
  assert.deepEqual([crossed.message, crossed.kind, crossed.settings], [error.message, error.kind, error.settings]);
  const defect = errorOf(structuredClone(errorData(new TypeError('x is not a function'))));
  assert.equal(defect instanceof UserError, false);
  assert.equal(defect.message, 'x is not a function');
});
