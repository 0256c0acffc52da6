import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setUpUcx } from './ucx-settings.js';

test('what the user has set of UCX stays, an empty value too', () => {
  const env: Record<string, string | undefined> = { UCX_MEM_EVENTS: 'yes', UCX_ERROR_SIGNALS: '' };
  setUpUcx(env);
  assert.deepEqual(env, { UCX_MEM_EVENTS: 'yes', UCX_ERROR_SIGNALS: '' });
});

test('what is not set of UCX is set', () => {
  const env: Record<string, string | undefined> = { PATH: '/bin' };
  setUpUcx(env);
  assert.deepEqual(env, { PATH: '/bin', UCX_MEM_EVENTS: 'no', UCX_ERROR_SIGNALS: 'SIGILL,SIGBUS,SIGFPE' });
});
