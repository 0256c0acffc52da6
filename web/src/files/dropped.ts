/** Files that are taken of folders that are dropped at once: a whole disk may be. */
export const mostDropped = 2000;

/** What was dropped. */
export interface Dropped {
  readonly files: readonly File[];
  /** Whether the folders hold more files than are taken. */
  readonly isMore: boolean;
}

/** {@link Dropped}, while it grows. */
interface Found {
  readonly files: File[];
  isMore: boolean;
}

/**
 * The files that were dropped, those of folders too, in the order of their names; hidden ones are left out.
 * @param data of the event; it is read before the first turn ends, after which browsers empty it
 */
export async function droppedFiles(data: DataTransfer | null): Promise<Dropped> {
  const found: Found = { files: [], isMore: false };
  // Of what a program made there is no entry.
  const dropped = [...(data?.items ?? [])].map((item) => ({ entry: item.webkitGetAsEntry(), file: item.getAsFile() }));
  for (const { entry, file } of dropped) {
    if (entry?.isDirectory === true) await addFilesIn(entry, found);
    else if (file !== null) found.files.push(file);
  }
  return found;
}

async function addFilesIn(folder: FileSystemEntry, found: Found): Promise<void> {
  for (const entry of await entriesOf(folder as FileSystemDirectoryEntry)) {
    if (found.isMore) return;
    if (entry.name.startsWith('.')) continue;
    if (entry.isDirectory) await addFilesIn(entry, found);
    else if (found.files.length >= mostDropped) found.isMore = true;
    else
      found.files.push(
        await new Promise<File>((resolve, reject) => (entry as FileSystemFileEntry).file(resolve, reject)),
      );
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
