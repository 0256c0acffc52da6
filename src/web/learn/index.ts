export { type ExportOptions, huggingFaceArchive, safetensorsFile } from './export.js';
export { type FaceShotOptions, faceShot } from './face-shot.js';
export { Learner, type WebLearnOptions } from './learner.js';
export { type NamedShot, type Shot, type ShotClass, Shots, type ShotsOptions } from './shots.js';
export { type ReadShots, readShotsArchive, shotsArchive } from './shots-archive.js';
