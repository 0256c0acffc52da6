import { messageOf, UserError } from '../../common/errors.js';
import { printable } from '../../common/printable.js';

export interface CameraOptions {
  /** Which camera, by its `deviceId` of `navigator.mediaDevices.enumerateDevices()`. Default: the browser's choice. */
  readonly deviceId?: string;
  /** The camera towards the person (`user`, the default) or away from them (`environment`), where there are both. */
  readonly facing?: 'user' | 'environment';
  /** Width that is wished for, in pixels; the camera has the last word. Default 1280. */
  readonly width?: number;
}

/** By the names of `getUserMedia`'s errors. */
const sentences: Readonly<Record<string, string>> = {
  NotAllowedError: "The camera was not allowed; allow it in the browser's settings for this page, then try again.",
  SecurityError: 'Cameras are switched off for this page; open it where they are allowed.',
  NotFoundError: 'No camera was found; connect one, then try again.',
  NotReadableError: 'The camera is used by another program; close that program, then try again.',
  AbortError: 'The camera could not be started; connect it again, then try again.',
  OverconstrainedError: 'The camera that was chosen is gone; choose another one.',
};

/**
 * Asks the visitor for a camera, without sound. Whoever opens it stops its tracks, and its light goes out.
 * @throws UserError (kind `device`) where it is refused, there is none, or it is in use; `cause` is the browser's `DOMException`
 */
export async function openCamera({
  deviceId,
  facing = 'user',
  width = 1280,
}: CameraOptions = {}): Promise<MediaStream> {
  // Pages without https have none.
  if (!('mediaDevices' in navigator)) {
    throw new UserError('This page may not use a camera; open it by https or from localhost.', 'device');
  }
  const which = deviceId === undefined ? { facingMode: facing } : { deviceId: { exact: deviceId } };
  try {
    return await navigator.mediaDevices.getUserMedia({ video: { ...which, width: { ideal: width } }, audio: false });
  } catch (error) {
    const known = error instanceof DOMException ? sentences[error.name] : undefined;
    const sentence = known ?? `The camera cannot be used (${printable(messageOf(error))}); try another one.`;
    throw new UserError(sentence, 'device', { cause: error });
  }
}
