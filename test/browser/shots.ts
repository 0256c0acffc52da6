/* What test/browser-learn.test.ts has a browser do with shots: record, keep, export, import, delete. */

import { checkpointBytes } from '../../src/entries/checkpoints-every-host.js';
import {
  faceShot,
  huggingFaceArchive,
  type Learned,
  readShotsArchive,
  Shots,
  safetensorsFile,
  shotsArchive,
} from '../../src/entries/train-web.js';
import { cropTemplateFor, Recognizer } from '../../src/entries/web.js';
import { base64Of } from './base64.js';

/** Classes, each with the number of its shots. */
type Counts = Readonly<Record<string, number>>;

export interface ShotResults {
  /** Width, height and type of the shot of the portrait; and what a picture without a face gives. */
  readonly portrait: readonly [number, number, string];
  readonly nobody: boolean;
  /** Width of the shot that was cut out where the networks are. */
  readonly cutThere: number;
  readonly added: Counts;
  /** What another store of the same name finds, once the first is closed. */
  readonly reopened: Counts;
  readonly changed: Counts;
  readonly cleared: Counts;
  readonly refused: Readonly<Record<string, string>>;
  /** In base64: the shots as a dataset, and what was learned as a folder for Hugging Face. */
  readonly archive: string;
  readonly huggingFace: string;
  readonly safetensors: string;
  readonly imported: Counts;
  readonly leftOut: readonly string[];
  /** Where storage is forbidden, and where it is full, and once there is room again. */
  readonly forbidden: { readonly problem: string; readonly counts: Counts };
  readonly full: {
    readonly problem: string;
    readonly counts: Counts;
    readonly then: string;
    readonly reopened: Counts;
  };
  /** After everything was deleted without a connection. */
  readonly disconnected: { readonly problem: string; readonly reopened: Counts };
  /** Where the browser deletes nothing; what there is once it does so again. */
  readonly undeleted: {
    readonly problems: readonly string[];
    readonly isPending: readonly boolean[];
    readonly reopened: readonly Counts[];
  };
  /** After the browser deleted everything, and a shot more was added. */
  readonly lost: { readonly problem: string; readonly counts: Counts; readonly reopened: Counts };
}

const countsOf = ({ classes }: Shots): Counts =>
  Object.fromEntries(classes.map(({ name, shots }) => [name, shots.length]));

/** The portrait, a little darker each time. */
async function variation(picture: ImageBitmap, i: number): Promise<Blob> {
  const canvas = new OffscreenCanvas(picture.width, picture.height);
  const context = canvas.getContext('2d');
  if (context === null) throw new Error('there is no canvas');
  context.filter = `brightness(${100 - 5 * i}%)`;
  context.drawImage(picture, 0, 0);
  return canvas.convertToBlob();
}

async function reasonOf(work: () => Promise<unknown>): Promise<string> {
  return work().then(
    () => 'nothing was refused',
    (error: unknown) => String(error),
  );
}

async function withoutStorage(): Promise<ShotResults['forbidden']> {
  const own = Object.getOwnPropertyDescriptor(window, 'indexedDB');
  Object.defineProperty(window, 'indexedDB', {
    configurable: true,
    get: () => {
      throw new DOMException('not here', 'SecurityError');
    },
  });
  try {
    const shots = await Shots.open({ name: 'forbidden' });
    await shots.add([{ label: 'bored', picture: new Blob(['1']) }]);
    return { problem: shots.problem ?? '', counts: countsOf(shots) };
  } finally {
    if (own === undefined) Reflect.deleteProperty(window, 'indexedDB');
    else Object.defineProperty(window, 'indexedDB', own);
  }
}

async function withFullStorage(): Promise<ShotResults['full']> {
  const shots = await Shots.open({ name: 'full' });
  await shots.add([{ label: 'bored', picture: new Blob(['1']) }]);
  const { put } = IDBObjectStore.prototype;
  IDBObjectStore.prototype.put = () => {
    throw new DOMException('no room', 'QuotaExceededError');
  };
  await shots.add([{ label: 'bored', picture: new Blob(['2']) }]);
  const [problem, counts] = [shots.problem ?? '', countsOf(shots)];
  IDBObjectStore.prototype.put = put;
  await shots.add([{ label: 'bored', picture: new Blob(['3']) }]);
  const then = shots.problem ?? 'everything is kept';
  await shots.close();
  const again = await Shots.open({ name: 'full' });
  const reopened = countsOf(again);
  await again.close();
  return { problem, counts, then, reopened };
}

const fine = 'all is well';

async function kept(name: string): Promise<Counts> {
  const shots = await Shots.open({ name });
  const counts = countsOf(shots);
  await shots.close();
  return counts;
}

async function withoutConnection(): Promise<ShotResults['disconnected']> {
  const connections: IDBDatabase[] = [];
  const { open } = IDBFactory.prototype;
  IDBFactory.prototype.open = (...given) => {
    const request = open.apply(indexedDB, given);
    request.addEventListener('success', () => connections.push(request.result));
    return request;
  };
  try {
    const shots = await Shots.open({ name: 'disconnected' });
    await shots.add([{ label: 'bored', picture: new Blob(['1']) }]);
    for (const one of connections) one.close();
    await shots.clear();
    const problem = shots.problem ?? fine;
    await shots.close();
    return { problem, reopened: await kept('disconnected') };
  } finally {
    IDBFactory.prototype.open = open;
  }
}

async function withoutDeletion(): Promise<ShotResults['undeleted']> {
  const name = 'undeleted';
  const shots = await Shots.open({ name });
  await shots.add(['bored', 'bored', 'shy', 'shy'].map((label) => ({ label, picture: new Blob([label]) })));
  const [bored, shy] = shots.classes;
  const { delete: remove, clear } = IDBObjectStore.prototype;
  const fail = () => {
    throw new DOMException('not now', 'UnknownError');
  };
  const problems: string[] = [];
  const isPending: boolean[] = [];
  const note = () => {
    problems.push(shots.problem ?? fine);
    isPending.push(shots.isDeletionPending);
  };
  Object.assign(IDBObjectStore.prototype, { delete: fail, clear: fail });
  await shots.deleteClass(shy?.id ?? '');
  await shots.deleteShots([bored?.shots[0]?.id ?? '']);
  note();
  Object.assign(IDBObjectStore.prototype, { delete: remove, clear });
  await shots.add([{ label: 'tired', picture: new Blob(['5']) }]);
  note();
  const part = await kept(name);
  Object.assign(IDBObjectStore.prototype, { delete: fail, clear: fail });
  await shots.clear();
  await shots.add([{ label: 'new', picture: new Blob(['6']) }]);
  note();
  Object.assign(IDBObjectStore.prototype, { delete: remove, clear });
  await shots.add([{ label: 'new', picture: new Blob(['7']) }]);
  note();
  await shots.close();
  return { problems, isPending, reopened: [part, await kept(name)] };
}

async function afterLoss(): Promise<ShotResults['lost']> {
  const shots = await Shots.open({ name: 'lost' });
  await shots.add(['1', '2'].map((text) => ({ label: 'bored', picture: new Blob([text]) })));
  const request = indexedDB.deleteDatabase('lost');
  await new Promise((resolve) => request.addEventListener('success', resolve));
  await shots.add([{ label: 'bored', picture: new Blob(['3']) }]);
  const [problem, counts] = [shots.problem ?? fine, countsOf(shots)];
  await shots.close();
  return { problem, counts, reopened: await kept('lost') };
}

/** @param learned of tiny classes, to export */
export async function recordShots({ checkpoint }: Learned): Promise<ShotResults> {
  // Beside each other in one thread, whose runtime has one place for the files of models that are being loaded.
  const bytes = checkpointBytes(checkpoint);
  const beside = await Promise.all([1, 2].map(() => Recognizer.load({ checkpoint: bytes, threads: 1, worker: false })));
  for (const one of beside) await one.dispose();
  const recognizer = await Recognizer.load({ threads: 1 });
  const template = cropTemplateFor(recognizer.classifier.preprocessing);
  const portrait = await createImageBitmap(await (await fetch('portrait.png')).blob());
  const shotOf = async (i: number): Promise<Blob> => {
    const shot = await faceShot(await recognizer.recognize(await variation(portrait, i), { picture: true }), template);
    if (shot === undefined) throw new Error('the portrait has a face');
    return shot;
  };
  const first = await shotOf(0);
  const whole = await recognizer.recognize(portrait, { portraits: 96 });
  const withoutPixels = { ...whole, faces: whole.faces.map(({ portrait: _, ...face }) => face) };
  const cut = await faceShot(whole, template);
  if (cut === undefined) throw new Error('the portrait has a face');
  const { width: cutWidth } = await createImageBitmap(cut);
  const bitmap = await createImageBitmap(first);
  const empty = await recognizer.recognize(new ImageData(64, 64), { picture: true });
  const nobody = (await faceShot(empty, template)) === undefined;

  const shots = await Shots.open();
  const odd = '../so: tired?';
  await shots.addClass('nobody yet');
  await shots.add([
    { label: 'bored', picture: first },
    { label: 'bored', picture: await shotOf(1) },
    { label: odd, picture: await shotOf(2) },
    { label: odd, picture: await shotOf(3) },
  ]);
  await recognizer.dispose();
  const added = countsOf(shots);
  const archive = await shotsArchive(shots.classes);
  const read = await readShotsArchive(archive);
  const ids = new Map(shots.classes.map(({ name, id }) => [name, id]));
  const idOf = (name: string): string => ids.get(name) ?? '';
  const refused = {
    twice: await reasonOf(() => shots.addClass(' bored ')),
    empty: await reasonOf(() => shots.addClass('  ')),
    hidden: await reasonOf(() => shots.renameClass(idOf('bored'), 'a\u202eb')),
    taken: await reasonOf(() => shots.renameClass(idOf('bored'), odd)),
    gone: await reasonOf(() => shots.renameClass('no such id', 'new')),
    noArchive: await reasonOf(() => readShotsArchive(new Blob(['text']), 'my.zip')),
    noPicture: await reasonOf(async () => readShotsArchive(await shotsArchive([]), 'none.zip')),
    recognition: await reasonOf(() => faceShot(withoutPixels, template)),
  };
  await shots.close();
  const again = await Shots.open();
  const reopened = countsOf(again);
  await again.renameClass(idOf('bored'), 'very bored');
  await again.deleteClass(idOf(odd));
  const [firstOne] = again.classes.find(({ name }) => name === 'very bored')?.shots ?? [];
  await again.deleteShots([firstOne?.id ?? '']);
  const changed = countsOf(again);
  await again.add(read.shots);
  const imported = countsOf(again);
  await again.clear();
  await again.close();
  const last = await Shots.open();
  const cleared = countsOf(last);
  await last.close();
  return {
    portrait: [bitmap.width, bitmap.height, first.type],
    cutThere: cutWidth,
    nobody,
    added,
    reopened,
    changed,
    cleared,
    refused,
    archive: await base64Of(archive),
    huggingFace: await base64Of(await huggingFaceArchive(checkpoint)),
    safetensors: await base64Of(await safetensorsFile(checkpoint)),
    imported,
    leftOut: read.without.map(({ path, reason }) => `${path}: ${reason}`),
    forbidden: await withoutStorage(),
    full: await withFullStorage(),
    disconnected: await withoutConnection(),
    undeleted: await withoutDeletion(),
    lost: await afterLoss(),
  };
}
