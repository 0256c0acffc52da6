import type { CropTemplate, Preprocessing } from './preprocessing.js';

/**
 * FER2013's and FER+'s crops: medians over the faces found in 4,000 training pictures, the same on both sides
 * (docs/decisions/0005-face-detection.md).
 */
export const ferPlusCrop: CropTemplate = {
  name: 'FER+',
  points: { rightEye: [0.314, 0.399], leftEye: [0.686, 0.399], noseTip: [0.5, 0.6], mouth: [0.5, 0.767] },
};

/**
 * Aligned crops as RAF-DB's, by eyes and mouth. Its paper (Li et al., 2017) says which points were used, not where they
 * were put: these are by the look of published examples, to about 3% of the side. `scripts/crop-template.mjs` measures a
 * dataset that is at hand.
 */
export const rafDbCrop: CropTemplate = {
  name: 'RAF-DB',
  points: { rightEye: [0.31, 0.39], leftEye: [0.69, 0.39], mouth: [0.5, 0.77] },
};

/**
 * The 112x112 crops of ArcFace and of networks trained with it, such as IR-50: its five points (insightface's `arcface_dst`), the
 * corners of the mouth as their middle.
 */
export const arcFaceCrop: CropTemplate = {
  name: 'ArcFace',
  points: { rightEye: [0.3419, 0.4616], leftEye: [0.6565, 0.4598], noseTip: [0.5002, 0.6405], mouth: [0.5013, 0.824] },
};

/** Templates that can be named. */
export const knownCropTemplates: readonly CropTemplate[] = [rafDbCrop, ferPlusCrop, arcFaceCrop];

/** How to crop faces for a network: as its weights say, otherwise as its kind of network mostly was trained. */
export function cropTemplateFor({ crop, channels }: Preprocessing): CropTemplate {
  return crop ?? (channels === 1 ? ferPlusCrop : rafDbCrop);
}
