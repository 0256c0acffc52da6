import { messageOf, UserError } from '../../common/errors.js';
import { inOneForm } from '../../common/labels.js';
import { pictureName } from '../../common/picture-names.js';
import { printable } from '../../common/printable.js';
import { checkedHeader } from '../../image/checked-header.js';
import type { NamedShot, ShotClass } from './shots.js';
import { unzipped, type ZipEntry, zipOf } from './zip.js';

/** The folder in the archive: unpacked, it is a dataset. */
const folder = 'shots';
const descriptionName = 'dataset.json';

/**
 * All shots as a dataset in a zip archive: a folder for each class, and `dataset.json`, which says which folder is which class.
 * Unpacked, `poster learn`, told that these are crops, and `poster train` take it, and {@link readShotsArchive} reads it again.
 */
export function shotsArchive(classes: readonly ShotClass[]): Promise<Blob> {
  const filled = classes.filter(({ shots }) => shots.length > 0);
  const folders = foldersFor(filled.map(({ name }) => name));
  return zipOf(entriesOf(filled, folders));
}

function* entriesOf(
  classes: readonly ShotClass[],
  folders: ReadonlyMap<string, string>,
): Generator<ZipEntry, void, undefined> {
  const labels = classes.map(({ name }) => name);
  const description = {
    name: folder,
    labels,
    folders: Object.fromEntries([...folders].map(([name, one]) => [one, name])),
  };
  // A dataset has two classes at least; of one, the folder's name must do.
  if (labels.length > 1) {
    const text = new TextEncoder().encode(`${JSON.stringify(description, null, 2)}\n`);
    yield { path: `${folder}/${descriptionName}`, content: [text] };
  }
  for (const { name, shots } of classes) {
    for (const [i, { picture }] of shots.entries()) {
      const file = `${String(i + 1).padStart(4, '0')}.${endings.get(picture.type) ?? 'png'}`;
      yield { path: `${folder}/${folders.get(name)}/${file}`, content: picture };
    }
  }
}

const endings: ReadonlyMap<string, string> = new Map([
  ['image/png', 'png'],
  ['image/jpeg', 'jpg'],
  ['image/webp', 'webp'],
]);

/** A folder for each name, that every system can have: the name itself where it is plain. */
function foldersFor(names: readonly string[]): ReadonlyMap<string, string> {
  const folders = new Map<string, string>();
  const taken = new Set<string>();
  names.forEach((name, i) => {
    const plain = /^[\p{L}\p{N}][\p{L}\p{N} _-]{0,59}$/u.test(name) && !/\s$/.test(name) && !reserved.test(name);
    // Some systems take capitals for small letters.
    const chosen = plain && !taken.has(name.toLowerCase()) ? name : `class ${i + 1}`;
    taken.add(chosen.toLowerCase());
    folders.set(name, chosen);
  });
  return folders;
}

/** Names that no file of Windows may have, and those that this file gives. */
const reserved = /^(?:con|prn|aux|nul|com\d|lpt\d|class \d+)$/i;

/** What an archive holds. */
export interface ReadShots {
  readonly shots: readonly NamedShot[];
  /** Files that are left out, and why. */
  readonly without: readonly { readonly path: string; readonly reason: string }[];
}

/** Longest side of a face crop, in pixels: what is larger is a photo, in which a face would have to be found. */
const longestSide = 1024;

/**
 * Reads class folders of face crops from a zip archive: of {@link shotsArchive}, or any with a folder for each class.
 * @param name what errors call it
 * @throws UserError where it is no archive, is damaged, holds more than is accepted, or no pictures in class folders
 */
export async function readShotsArchive(archive: Blob, name = 'The archive'): Promise<ReadShots> {
  let labels: ReadonlyMap<string, string> = new Map();
  const pictures: { readonly path: string; readonly bytes: Uint8Array<ArrayBuffer> }[] = [];
  for await (const file of unzipped(archive, name, isWanted)) {
    if (file.path.endsWith(descriptionName)) {
      labels = labelsIn(file.bytes);
    } else pictures.push(file);
  }
  const shots: NamedShot[] = [];
  const without: { readonly path: string; readonly reason: string }[] = [];
  for (const { path, bytes } of pictures) {
    const parent = inOneForm(path.split('/').at(-2) ?? '');
    try {
      if (parent === '') throw new UserError('it is in no class folder');
      const { width, height, format } = checkedHeader(bytes, printable(path, 300));
      if (Math.max(width, height) > longestSide) {
        throw new UserError(`it is ${width} x ${height} pixels, a photo and no face crop; drop it on a class instead`);
      }
      shots.push({ label: labels.get(parent) ?? parent, picture: new Blob([bytes], { type: `image/${format}` }) });
    } catch (error) {
      without.push({ path, reason: messageOf(error) });
    }
  }
  if (shots.length > 0) return { shots, without };
  throw new UserError(
    `${printable(name, 300)} holds no face crops in class folders${without[0] === undefined ? '' : ` (${printable(without[0].path, 200)}: ${without[0].reason})`}; choose one that was exported here.`,
  );
}

/** Hidden files and what macOS adds are nobody's pictures. */
const isWanted = (path: string): boolean =>
  !/(?:^|\/)(?:\.|__MACOSX\/)/.test(path) && (pictureName.test(path) || /(?:^|\/)dataset\.json$/.test(path));

/**
 * Label of each folder. A description that says something else is passed over: folders have names. Checked by hand, as a page has no
 * other use for a library of schemas, which is as large as all the rest that it loads first.
 */
function labelsIn(bytes: Uint8Array): ReadonlyMap<string, string> {
  try {
    const described: unknown = JSON.parse(new TextDecoder().decode(bytes));
    const folders = isObject(described) ? described['folders'] : undefined;
    if (!isObject(folders)) return new Map();
    const entries = Object.entries(folders);
    const labels = entries.flatMap(([one, label]) =>
      typeof label === 'string' ? [[inOneForm(one), label] as const] : [],
    );
    return new Map(labels.length === entries.length ? labels : []);
  } catch {
    return new Map();
  }
}

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
