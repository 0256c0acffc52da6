import { channel } from 'node:diagnostics_channel';

/**
 * Whoever subscribes is told, in a sentence, what a file asked to run, whichever function read it and whatever else is
 * wrong with it: the command line passes it on to the user.
 */
export const refusalChannel = channel('poster-v2.refused');

/** One sentence about what a file asked to run; `undefined` where it asked for nothing. */
export function describeRefused(
  { refused }: { readonly refused: readonly string[] },
  path: string,
): string | undefined {
  if (refused.length === 0) return undefined;
  return `${path} asks for code to be run when it is loaded; nothing was run. Refused: ${refused.join('; ')}. Ask where it comes from before you load it with anything else.`;
}

/** Tells those who subscribed to {@link refusalChannel}. */
export function publishRefused(refused: readonly string[], path: string): void {
  const sentence = describeRefused({ refused }, path);
  if (sentence !== undefined) refusalChannel.publish(sentence);
}
