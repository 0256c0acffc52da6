/// <reference lib="dom" preserve="true" />
/// <reference lib="esnext.disposable" preserve="true" />
/** `poster-v2/train` in browsers: classes of one's own, learned in a worker; their pictures, kept and exported. */

export {
  type ExportOptions,
  type FaceShotOptions,
  faceShot,
  huggingFaceArchive,
  Learner,
  type NamedShot,
  type ReadShots,
  readShotsArchive,
  type Shot,
  type ShotClass,
  Shots,
  type ShotsOptions,
  safetensorsFile,
  shotsArchive,
  type WebLearnOptions,
} from '../web/learn/index.js';
export * from './train-every-host.js';
