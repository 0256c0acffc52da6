/** Files that are taken of what is dropped at once: a whole disk may be. */
const most = 2000;

/**
 * The files that were dropped, those of folders too, in the order of their names; hidden ones are left out.
 * @param data of the event; it is read before the first turn ends, after which browsers empty it
 */
export async function droppedFiles(data: DataTransfer | null): Promise<File[]> {
  const files: File[] = [];
  // Of what a program made there is no entry.
  const dropped = [...(data?.items ?? [])].map((item) => ({ entry: item.webkitGetAsEntry(), file: item.getAsFile() }));
  for (const { entry, file } of dropped) {
    if (entry?.isDirectory === true) await addFilesIn(entry, files);
    else if (file !== null) files.push(file);
  }
  return files;
}

async function addFilesIn(folder: FileSystemEntry, files: File[]): Promise<void> {
  for (const entry of await entriesOf(folder as FileSystemDirectoryEntry)) {
    if (files.length >= most) return;
    if (entry.name.startsWith('.')) continue;
    if (entry.isDirectory) await addFilesIn(entry, files);
    else files.push(await new Promise<File>((resolve, reject) => (entry as FileSystemFileEntry).file(resolve, reject)));
  }
}

/** Browsers give some at a time. */
async function entriesOf(folder: FileSystemDirectoryEntry): Promise<FileSystemEntry[]> {
  const reader = folder.createReader();
  const all: FileSystemEntry[] = [];
  for (;;) {
    const some = await new Promise<FileSystemEntry[]>((resolve, reject) => reader.readEntries(resolve, reject));
    if (some.length === 0) return all.toSorted((a, b) => a.name.localeCompare(b.name, undefined, { numeric: true }));
    all.push(...some);
  }
}
