import assert from 'node:assert/strict';
import { test } from 'node:test';
import { UserError } from './errors.js';
import { errorOf, sentError } from './sent-errors.js';

test('an error is the same on the other side of a thread', () => {
  const error = new UserError('There is no GPU; choose another device.', 'device', { settings: ['device'] });
  const crossed = errorOf(structuredClone(sentError(error)));
  assert.ok(crossed instanceof UserError);
  assert.deepEqual([crossed.message, crossed.kind, crossed.settings], [error.message, error.kind, error.settings]);
  const defect = errorOf(structuredClone(sentError(new TypeError('x is not a function'))));
  assert.ok(defect instanceof TypeError);
  assert.equal(defect.message, 'x is not a function');
});

test('what cannot be cloned comes as an error with its message', () => {
  const cause = { callback: () => undefined };
  const sent = structuredClone(
    sentError(new UserError('The picture cannot be read; give another.', 'input', { cause })),
  );
  const thrown = errorOf(sent);
  assert.ok(thrown instanceof UserError);
  assert.equal(thrown.message, 'The picture cannot be read; give another.');
  assert.equal(thrown.kind, 'input');
  const other = errorOf(structuredClone(sentError(() => 'no error')));
  assert.ok(other instanceof Error && !(other instanceof UserError));
});
