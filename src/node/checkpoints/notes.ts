import { channel } from 'node:diagnostics_channel';

/**
 * Whoever subscribes is told, in a sentence, what is worth knowing about a checkpoint that is used all the same, whichever
 * function reads it: the command line passes it on to the user.
 */
export const noteChannel = channel('poster-v2.checkpoint-note');

/** Tells those who subscribed to {@link noteChannel}. */
export function publishNote(sentence: string): void {
  noteChannel.publish(sentence);
}
