import { faceShot, type NamedShot } from 'poster-v2/train';
import { aboutPicture, messageOf } from '../state/errors.js';
import { announce, notify } from '../state/notices.js';
import { getRecognizer, wasReplaced } from '../state/recognizer.js';
import { createStore } from '../state/store.js';
import { changeShots, nameOfClass, picturesText, shotSide } from './shots-state.js';

/** Pictures that are looked through for faces. */
export interface Adding {
  readonly classId: string;
  readonly done: number;
  readonly total: number;
}

export const adding = createStore<Adding | undefined>(undefined);

/** What became of the pictures that were last added to a class. */
export interface Added {
  readonly count: number;
  readonly without: readonly { readonly name: string; readonly reason: string }[];
}

export const added = createStore<ReadonlyMap<string, Added>>(new Map());

/** Finds the largest face in each picture, and adds it to a class; pictures of archives have classes of their own. */
export async function addPictures(classId: string, files: readonly File[]): Promise<void> {
  if (adding.value !== undefined) {
    notify('Other pictures are being looked through; wait until that is done.');
    return;
  }
  const isArchive = ({ name }: File): boolean => /\.zip$/i.test(name);
  const pictures = files.filter((file) => !isArchive(file));
  if (pictures.length > 0) await addFiles(classId, pictures);
  for (const archive of files.filter(isArchive)) await importShots(archive);
}

async function addFiles(classId: string, files: readonly File[]): Promise<void> {
  const found: Found = { count: 0, without: [] };
  adding.set({ classId, done: 0, total: files.length });
  try {
    await addFaces(classId, files, found);
  } catch (error) {
    notify(messageOf(error), { kind: 'error' });
  } finally {
    const { count, without } = found;
    adding.set(undefined);
    added.update((all) => new Map([...all, [classId, { count, without }]]));
    announce(`${picturesText(count)} added, ${without.length} left out.`);
  }
}

/** {@link Added}, while it grows. */
interface Found {
  count: number;
  readonly without: { readonly name: string; readonly reason: string }[];
}

/** With another recognizer, if the settings are changed meanwhile, it goes on where it was. */
async function addFaces(classId: string, files: readonly File[], found: Found): Promise<void> {
  let done = 0;
  while (done < files.length) {
    const recognizer = await getRecognizer();
    try {
      for await (const result of recognizer.settle(files.slice(done), { portraits: shotSide })) {
        if (result.status === 'rejected' && (await wasReplaced(result.reason, recognizer))) break;
        const file = files[done];
        const label = nameOfClass(classId);
        // The class has been deleted.
        if (file === undefined || label === undefined) return;
        const picture = result.status === 'fulfilled' ? await faceShot(result.value, recognizer.template) : undefined;
        if (picture !== undefined) {
          if (!(await changeShots((shots) => shots.add([{ label, picture }])))) return;
          found.count++;
        } else {
          const reason = result.status === 'rejected' ? aboutPicture(result.reason) : 'No face was found in it.';
          found.without.push({ name: file.name, reason });
        }
        done++;
        adding.set({ classId, done, total: files.length });
      }
    } catch (error) {
      if (!(await wasReplaced(error, recognizer))) throw error;
    }
  }
}

/** What of an import is added at once. */
const batch = 100;

/** Adds the classes and pictures of an archive that was exported before. */
export async function importShots(file: File): Promise<void> {
  try {
    const { readShotsArchive } = await import('./archives.js');
    const { shots, without } = await readShotsArchive(file, file.name);
    const kept = await addAll(shots);
    const classes = new Set(shots.map(({ label }) => label)).size;
    const left =
      without.length === 0
        ? ''
        : ` ${picturesText(without.length)} left out, such as ${without[0]?.path}: ${without[0]?.reason}`;
    if (kept)
      notify(`${picturesText(shots.length)} of ${classes} ${classes === 1 ? 'class' : 'classes'} imported.${left}`);
  } catch (error) {
    notify(messageOf(error), { kind: 'error' });
  }
}

async function addAll(shots: readonly NamedShot[]): Promise<boolean> {
  for (let from = 0; from < shots.length; from += batch) {
    if (!(await changeShots((store) => store.add(shots.slice(from, from + batch))))) return false;
  }
  return true;
}
