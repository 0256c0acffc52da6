import { RequestProblem } from './problem.js';

/**
 * What JSON says.
 * @param most values that it may have: many small ones take seconds and hundreds of megabytes where a text takes milliseconds
 * @throws RequestProblem
 */
export function jsonOf(body: Buffer, most: number): unknown {
  if (body.length === 0) throw new RequestProblem('bad-request', 'The body is empty; send JSON.');
  if (hasMore(body, most)) {
    throw new RequestProblem('too-large', `The JSON has more than the ${most} values that are accepted; send fewer.`);
  }
  try {
    return JSON.parse(body.toString('utf8'));
  } catch (error) {
    throw new RequestProblem('bad-request', 'The body is not valid JSON; check it.', { cause: error });
  }
}

/** Whether commas and brackets say that there are more values. Those within texts count too. */
function hasMore(body: Buffer, most: number): boolean {
  let count = 0;
  for (const character of [',', '[', '{']) {
    const code = character.charCodeAt(0);
    for (let at = body.indexOf(code); at >= 0; at = body.indexOf(code, at + 1)) if (++count > most) return true;
  }
  return false;
}
