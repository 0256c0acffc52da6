/** Archives, out and in: fetched when one is made or read. */
import { huggingFaceArchive, readShotsArchive, shotsArchive } from 'poster-v2/train';

export { huggingFaceArchive, readShotsArchive, shotsArchive };
