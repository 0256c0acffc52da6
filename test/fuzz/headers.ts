// Headers of safetensors files that are large in one way: what is a few bytes of text takes much more when it is parsed.

const entry = '{"dtype":"U8","shape":[0],"data_offsets":[0,0]}';

const repeated = (text: string, count: number): string =>
  Buffer.alloc(text.length * count, text, 'latin1').toString('latin1');

const counted = (count: number, member: (i: number) => string): string =>
  Array.from({ length: count }, (_, i) => member(i)).join();

/** By name; `size` is how large. */
export const headers: Readonly<Record<string, (size: number) => string>> = {
  'many tensors': (n) => `{${counted(n, (i) => `"t${i}":${entry}`)}}`,
  'names that are numbers': (n) => `{${counted(n, (i) => `"${i * 4_294_967}":${entry}`)}}`,
  'a long name': (n) => `{"${repeated('module.', Math.ceil(n / 7))}w":${entry}}`,
  'names of many prefixes': (n) =>
    `{${counted(Math.ceil(n / 900), (i) => `"${repeated('module.', 120)}${i}":${entry}`)}}`,
  'many dimensions': (n) => `{"t":{"dtype":"U8","shape":[${repeated('1,', n)}0],"data_offsets":[0,0]}}`,
  'lists in lists': (n) => `{"t":${repeated('[', n)}${repeated(']', n)}}`,
  'objects in objects': (n) => `{"t":${repeated('{"a":', n)}1${repeated('}', n)}}`,
  'empty lists': (n) => `{"t":[${repeated('[],', n)}[]]}`,
  'empty objects': (n) => `{"t":[${repeated('{},', n)}{}]}`,
  'much metadata': (n) => `{"__metadata__":{${counted(n, (i) => `"k${i}":"v"`)}}}`,
  'a long description': (n) => `{"__metadata__":{"poster_v2":"${repeated('[', n)}"}}`,
  'a description of many values': (n) => `{"__metadata__":{"poster_v2":"[${repeated('[],', n)}0]"}}`,
  escapes: (n) => `{"__metadata__":{"a":"${repeated('\\u00e9', n)}"}}`,
  'one key many times': (n) => `{${counted(n, () => `"t":${entry}`)}}`,
  spaces: (n) => `{}${repeated(' ', n)}`,
};

/** A file of nothing but a header. */
export function headerFile(json: string): Buffer {
  const header = Buffer.from(json);
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(header.length));
  return Buffer.concat([length, header]);
}
