import type { NetworkPart } from '../network-definition.js';

/** What the backbones of both POSTERs are called where a part of a network is asked for. */
export const ir50Part = (prefix: string): NetworkPart => ({ name: 'ir50', prefix, title: 'the IR-50 backbone' });

export const landmarkPart = (prefix: string): NetworkPart => ({
  name: 'landmark',
  prefix,
  title: 'the landmark detector',
  otherUse: { phrase: 'find landmarks with it alone', setting: 'landmarkDetector' },
});
