import assert from 'node:assert/strict';
import { test } from 'node:test';
import { aBoolean, aSignal, checkOptions, type OptionRules, requireOptions } from './check-options.js';

interface Options {
  readonly turned?: boolean;
  readonly signal?: AbortSignal;
}
const rules: OptionRules<Options> = { turned: aBoolean, signal: aSignal };
const check = (options: unknown) => (): void => checkOptions(options, rules, 'search');
const usage = (message: string) => ({ name: 'UserError', kind: 'usage', message });

test('options that there are pass, also undefined', () => {
  for (const options of [{}, { turned: false, signal: AbortSignal.abort() }, { turned: undefined, other: undefined }]) {
    check(options)();
  }
});

test('an option that there is not is named, with those that there are', () => {
  const message = "search has no option 'turn'; its options are turned, signal.";
  assert.throws(check({ turn: true }), usage(message));
  assert.throws(check({ toString: 1 }), { message: /has no option 'toString'/ });
});

test('what a function needs is named where it is missing', () => {
  const need = (options: unknown) => (): void => requireOptions<Options>(options, { turned: aBoolean }, 'search');
  need({ turned: true, more: 1 })();
  for (const options of [undefined, 5, {}, { turned: 'yes' }]) {
    assert.throws(need(options), usage("search needs 'turned'; give true or false."));
  }
});

test('a value of another type is a sentence', () => {
  assert.throws(check({ signal: 1 }), usage("The option 'signal' of search cannot be 1; give an AbortSignal."));
  assert.throws(check({ signal: null }), { message: /cannot be null; give an AbortSignal/ });
  assert.throws(check({ turned: Object.create(null) }), { message: /cannot be an object; give true or false/ });
  for (const none of [null, 5, [], 'x']) assert.throws(check(none), { message: /^Options are an object, such as/ });
});
