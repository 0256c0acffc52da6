import { closeSync, mkdirSync, openSync, readdirSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import crc32c from 'crc-32/crc32c.js';
import protobuf from 'protobufjs/light.js';
import { explainFileError } from '../files/files.js';

// TensorBoard reads files of records, each an Event message, with these field numbers:
// https://github.com/tensorflow/tensorflow/blob/master/tensorflow/core/util/event.proto
// https://github.com/tensorflow/tensorflow/blob/master/tensorflow/core/framework/summary.proto
const field = (type: string, id: number, rule?: 'repeated'): protobuf.IField =>
  rule ? { type, id, rule } : { type, id };

/** The message of a record. */
export const Event = protobuf.Root.fromJSON({
  nested: {
    Event: {
      fields: {
        wallTime: field('double', 1),
        step: field('int64', 2),
        fileVersion: field('string', 3),
        summary: field('Summary', 5),
        sessionLog: field('SessionLog', 7),
      },
    },
    SessionLog: { fields: { status: field('int32', 1) } },
    Summary: { fields: { value: field('SummaryValue', 1, 'repeated') } },
    SummaryValue: {
      fields: {
        tag: field('string', 1),
        simpleValue: field('float', 2),
        image: field('Image', 4),
        tensor: field('Tensor', 8),
        metadata: field('Metadata', 9),
      },
    },
    Metadata: { fields: { pluginData: field('PluginData', 1) } },
    PluginData: { fields: { pluginName: field('string', 1), content: field('bytes', 2) } },
    Image: {
      fields: {
        height: field('int32', 1),
        width: field('int32', 2),
        colorspace: field('int32', 3),
        encoded: field('bytes', 4),
      },
    },
    Tensor: {
      fields: {
        dtype: field('int32', 1),
        shape: field('Shape', 2),
        floats: field('float', 5, 'repeated'),
        strings: field('bytes', 8, 'repeated'),
      },
    },
    Shape: { fields: { dim: field('Dim', 2, 'repeated') } },
    Dim: { fields: { size: field('int64', 1) } },
  },
}).lookupType('Event');

/** TensorFlow's DataTypes. */
const floatType = 1;
const stringType = 7;
/** TensorBoard's colour space of pictures with red, green and blue. */
const rgb = 3;
/** SessionLog's status at a beginning: what was written for its step and later ones no longer counts. */
export const sessionStart = 1;

/** CRC-32C, turned so that a checksum of data that holds checksums stays a good one (as in LevelDB). */
export function maskedCrc(data: Uint8Array): number {
  const crc = crc32c.buf(data, 0) >>> 0;
  return (((crc >>> 15) | (crc << 17)) + 0xa282ead8) >>> 0;
}

/** A TFRecord: length (64 bits), its checksum, the data, its checksum; all little-endian. */
export function tfRecord(data: Uint8Array): Uint8Array {
  const record = new Uint8Array(12 + data.length + 4);
  const view = new DataView(record.buffer);
  view.setBigUint64(0, BigInt(data.length), true);
  view.setUint32(8, maskedCrc(record.subarray(0, 8)), true);
  record.set(data, 12);
  view.setUint32(12 + data.length, maskedCrc(data), true);
  return record;
}

/** The data of the records in the bytes of a file, up to one that is cut off. */
export function* recordsIn(bytes: Uint8Array): Generator<Uint8Array> {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (let at = 0; at + 16 <= bytes.length; ) {
    const end = at + 12 + Number(view.getBigUint64(at, true));
    if (end + 4 > bytes.length) return;
    yield bytes.subarray(at + 12, end);
    at = end + 4;
  }
}

const eventRecord = (event: object): Uint8Array => tfRecord(Event.encode(Event.fromObject(event)).finish());

export interface EventFile {
  readonly path: string;
  /**
   * Scalars of a step, by tag, and pictures (PNG): in one record, so that a kill leaves all of them or none. Scalars that are
   * not finite are left out.
   */
  scalars(
    step: number,
    values: Readonly<Record<string, number | null>>,
    wallTime?: number,
    images?: Readonly<Record<string, Uint8Array>>,
  ): void;
  /** A text in Markdown. */
  text(tag: string, markdown: string): void;
  /** What a plugin of TensorBoard reads. */
  plugin(tag: string, name: string, content: Uint8Array): void;
  close(): void;
}

export interface EventFileOptions {
  /** Steps from this one on that earlier files of the folder tell are void: a run that goes on from before its end. */
  readonly from?: number;
  /**
   * Seconds since 1970, of the first record and in the file's name, where it is moved behind those of the folder's other
   * files: readers take them in that order, and a clock may have been set back. Default: now.
   */
  readonly wallTime?: number;
  /** In the file's name, to tell who wrote it (default `poster`). */
  readonly maker?: string;
}

/**
 * Opens a new event file for TensorBoard in `folder`, which is made where there is none. Every record is on its way to the
 * disk when its call returns, so that TensorBoard shows a run while it goes on.
 * @throws UserError when the file cannot be written.
 */
export function openEvents(folder: string, options: EventFileOptions = {}): EventFile {
  const { from, wallTime = Date.now() / 1000, maker = 'poster' } = options;
  let path = '';
  const explained = <T>(work: () => T): T => {
    try {
      return work();
    } catch (error) {
      throw explainFileError(error, 'write', path);
    }
  };
  const create = (): number => {
    const second = String(Math.max(Math.floor(wallTime), lastSecond(folder) + 1)).padStart(10, '0');
    for (let n = 0; ; n++) {
      path = join(folder, `events.out.tfevents.${second}.${maker}.${process.pid}.${n}`);
      try {
        return openSync(path, 'wx');
      } catch (error) {
        if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error;
      }
    }
  };
  const handle = explained(() => {
    path = folder;
    mkdirSync(folder, { recursive: true });
    return create();
  });
  const write = (event: object): void => {
    const record = eventRecord(event);
    explained(() => {
      for (let done = 0; done < record.length; ) done += writeSync(handle, record, done);
    });
  };
  write({ wallTime, fileVersion: 'brain.Event:2' });
  if (from !== undefined) write({ wallTime, step: from, sessionLog: { status: sessionStart } });
  return {
    path,
    scalars: (step, values, time = Date.now() / 1000, images = {}) => {
      const value = [
        ...Object.entries(values).flatMap(([tag, simpleValue]) =>
          simpleValue !== null && Number.isFinite(simpleValue) ? [{ tag, simpleValue }] : [],
        ),
        ...Object.entries(images).map(([tag, png]) => ({ tag, image: imageOf(png) })),
      ];
      if (value.length > 0) write({ wallTime: time, step, summary: { value } });
    },
    text: (tag, markdown) => {
      const tensor = { dtype: stringType, shape: { dim: [{ size: 1 }] }, strings: [Buffer.from(markdown)] };
      const value = [{ tag, tensor, metadata: { pluginData: { pluginName: 'text' } } }];
      write({ wallTime, step: 0, summary: { value } });
    },
    plugin: (tag, pluginName, content) => {
      // The data lies in the metadata; there must be a tensor all the same.
      const tensor = { dtype: floatType, shape: { dim: [{ size: 1 }] }, floats: [0] };
      const value = [{ tag, tensor, metadata: { pluginData: { pluginName, content } } }];
      write({ wallTime, step: 0, summary: { value } });
    },
    close: () => closeSync(handle),
  };
}

function imageOf(png: Uint8Array): object {
  // Width and height, 32 bits each, lie at a fixed place in every PNG.
  const view = new DataView(png.buffer, png.byteOffset, png.byteLength);
  return { width: view.getUint32(16), height: view.getUint32(20), colorspace: rgb, encoded: png };
}

/** Time in the name of a folder's last event file; -1 without any. */
function lastSecond(folder: string): number {
  const times = readdirSync(folder).map((name) => Number(/^events\.out\.tfevents\.(\d{10})\./.exec(name)?.[1] ?? -1));
  return Math.max(-1, ...times.filter((time) => time < 9_999_999_999));
}
