import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readPickle } from './pickle.js';
import { maxPickleObjects } from './pickle-limits.js';
import { PickleError } from './pickle-reader.js';
import { isObject, type PickleValue } from './pickle-values.js';
import { Refusals } from './refusals.js';
import { plainBuilder, torchBuilder } from './torch-builder.js';

function read(text: string | Buffer): { readonly value: PickleValue; readonly refused: readonly string[] } {
  const refusals = new Refusals();
  const bytes = typeof text === 'string' ? Buffer.from(text, 'latin1') : text;
  const { value, end } = readPickle(bytes, 0, torchBuilder(new Map()), refusals);
  assert.equal(end, bytes.length);
  return { value, refused: refusals.list() };
}

/** Plain JavaScript of a value; `ancestors` keeps lists that hold themselves from unfolding. */
function plain(value: PickleValue, ancestors: readonly PickleValue[] = []): unknown {
  if (!isObject(value)) return value;
  if (ancestors.includes(value)) return 'itself';
  const inside = (one: PickleValue): unknown => plain(one, [...ancestors, value]);
  if (value.kind === 'list') return value.items.map(inside);
  if (value.kind === 'tuple' || value.kind === 'set') return { [value.kind]: value.items.map(inside) };
  if (value.kind === 'dict')
    return Object.fromEntries([...value.entries].map(([key, one]) => [String(key), inside(one)]));
  if (value.kind === 'bytes') return { bytes: [...value.data] };
  return value;
}

/** {'i': [...], 'f': [...], 's', 'b', 't': tuples, 'set', 'od': OrderedDict, 'self': a list in itself}, protocols 0 to 5. */
const pickles = [
  [
    'KGRwMApWaQpwMQoobHAyCkkwCmFJMjU1CmFJNjU1MzUKYUktMQphTDIxNDc0ODM2NDhMCmFMMTA5OTUxMTYyNzc3NkwKYUwtMTE4',
    'MDU5MTYyMDcxNzQxMTMwMzQyNEwKYUkwMQphSTAwCmFOYXNWZgpwMwoobHA0CkYxLjUKYUZpbmYKYXNWcwpwNQpW6SJcdTAwMGFc',
    'dTAwNWMKcDYKc1ZiCnA3CmNfY29kZWNzCmVuY29kZQpwOAooVlx1MDAwMP8KcDkKVmxhdGluMQpwMTAKdHAxMQpScDEyCnNWdApw',
    'MTMKKCh0KEkxCnRwMTQKKEkxCkkyCnRwMTUKKEkxCkkyCkkzCnRwMTYKKEkxCkkyCkkzCkk0CnRwMTcKdHAxOApzVnNldApwMTkK',
    'Y19fYnVpbHRpbl9fCnNldApwMjAKKChscDIxCkk3CmF0cDIyClJwMjMKc1ZvZApwMjQKY2NvbGxlY3Rpb25zCk9yZGVyZWREaWN0',
    'CnAyNQoodFJwMjYKVmEKcDI3CkkxCnNzVnNlbGYKcDI4CihscDI5CkkxCmFnMjkKYXMu',
  ],
  [
    'fXEAKFgBAAAAaXEBXXECKEsAS/9N//9K/////0wyMTQ3NDgzNjQ4TApMMTA5OTUxMTYyNzc3NkwKTC0xMTgwNTkxNjIwNzE3NDEx',
    'MzAzNDI0TApJMDEKSTAwCk5lWAEAAABmcQNdcQQoRz/4AAAAAAAAR3/wAAAAAAAAZVgBAAAAc3EFWAUAAADDqSIKXHEGWAEAAABi',
    'cQdjX2NvZGVjcwplbmNvZGUKcQgoWAMAAAAAw79xCVgGAAAAbGF0aW4xcQp0cQtScQxYAQAAAHRxDSgpKEsBdHEOKEsBSwJ0cQ8o',
    'SwFLAksDdHEQKEsBSwJLA0sEdHERdHESWAMAAABzZXRxE2NfX2J1aWx0aW5fXwpzZXQKcRQoXXEVSwdhdHEWUnEXWAIAAABvZHEY',
    'Y2NvbGxlY3Rpb25zCk9yZGVyZWREaWN0CnEZKVJxGlgBAAAAYXEbSwFzWAQAAABzZWxmcRxdcR0oSwFoHWV1Lg==',
  ],
  [
    'gAJ9cQAoWAEAAABpcQFdcQIoSwBL/03//0r/////igUAAACAAIoGAAAAAAABigkAAAAAAAAAAMCIiU5lWAEAAABmcQNdcQQoRz/4',
    'AAAAAAAAR3/wAAAAAAAAZVgBAAAAc3EFWAUAAADDqSIKXHEGWAEAAABicQdjX2NvZGVjcwplbmNvZGUKcQhYAwAAAADDv3EJWAYA',
    'AABsYXRpbjFxCoZxC1JxDFgBAAAAdHENKClLAYVxDksBSwKGcQ9LAUsCSwOHcRAoSwFLAksDSwR0cRF0cRJYAwAAAHNldHETY19f',
    'YnVpbHRpbl9fCnNldApxFF1xFUsHYYVxFlJxF1gCAAAAb2RxGGNjb2xsZWN0aW9ucwpPcmRlcmVkRGljdApxGSlScRpYAQAAAGFx',
    'G0sBc1gEAAAAc2VsZnEcXXEdKEsBaB1ldS4=',
  ],
  [
    'gAN9cQAoWAEAAABpcQFdcQIoSwBL/03//0r/////igUAAACAAIoGAAAAAAABigkAAAAAAAAAAMCIiU5lWAEAAABmcQNdcQQoRz/4',
    'AAAAAAAAR3/wAAAAAAAAZVgBAAAAc3EFWAUAAADDqSIKXHEGWAEAAABicQdDAgD/cQhYAQAAAHRxCSgpSwGFcQpLAUsChnELSwFL',
    'AksDh3EMKEsBSwJLA0sEdHENdHEOWAMAAABzZXRxD2NidWlsdGlucwpzZXQKcRBdcRFLB2GFcRJScRNYAgAAAG9kcRRjY29sbGVj',
    'dGlvbnMKT3JkZXJlZERpY3QKcRUpUnEWWAEAAABhcRdLAXNYBAAAAHNlbGZxGF1xGShLAWgZZXUu',
  ],
  [
    'gASV0gAAAAAAAAB9lCiMAWmUXZQoSwBL/03//0r/////igUAAACAAIoGAAAAAAABigkAAAAAAAAAAMCIiU5ljAFmlF2UKEc/+AAA',
    'AAAAAEd/8AAAAAAAAGWMAXOUjAXDqSIKXJSMAWKUQwIA/5SMAXSUKClLAYWUSwFLAoaUSwFLAksDh5QoSwFLAksDSwR0lHSUjANz',
    'ZXSUj5QoSweQjAJvZJSMC2NvbGxlY3Rpb25zlIwLT3JkZXJlZERpY3SUk5QpUpSMAWGUSwFzjARzZWxmlF2UKEsBaBhldS4=',
  ],
  [
    'gAWV0gAAAAAAAAB9lCiMAWmUXZQoSwBL/03//0r/////igUAAACAAIoGAAAAAAABigkAAAAAAAAAAMCIiU5ljAFmlF2UKEc/+AAA',
    'AAAAAEd/8AAAAAAAAGWMAXOUjAXDqSIKXJSMAWKUQwIA/5SMAXSUKClLAYWUSwFLAoaUSwFLAksDh5QoSwFLAksDSwR0lHSUjANz',
    'ZXSUj5QoSweQjAJvZJSMC2NvbGxlY3Rpb25zlIwLT3JkZXJlZERpY3SUk5QpUpSMAWGUSwFzjARzZWxmlF2UKEsBaBhldS4=',
  ],
];

test('every protocol of Python is read', () => {
  for (const parts of pickles) {
    const { value, refused } = read(Buffer.from(parts.join(''), 'base64'));
    assert.deepEqual(plain(value), {
      i: [0, 255, 65535, -1, 2 ** 31, 2 ** 40, -(2n ** 70n), true, false, null],
      f: [1.5, Infinity],
      s: '\u00e9"\n\\',
      b: { bytes: [0, 255] },
      t: { tuple: [[], [1], [1, 2], [1, 2, 3], [1, 2, 3, 4]].map((tuple) => ({ tuple })) },
      set: { set: [7] },
      od: { a: 1 },
      self: [1, 'itself'],
    });
    assert.deepEqual(refused, []);
  }
});

test('strings and dicts of Python 2', () => {
  // OrderedDict with its pairs as an argument, and a str with an escape
  const { value } = read("ccollections\nOrderedDict\n((lp0\n(S'a\\x41\\''\nI1\nlatR.");
  assert.deepEqual(plain(value), { "aA'": 1 });
});

const evil: readonly (readonly [pickle: string, refused: readonly string[]])[] = [
  ['cos\nsystem\n(X\x03\0\0\0lastR.', ["os.system('las')"]],
  ["cposix\nsystem\n(S'touch pwned'\ntR.", ["posix.system('touch pwned')"]],
  ['\x8c\x08builtins\x8c\x04eval\x93\x8c\x011\x85R.', ["builtins.eval('1')"]],
  ['(ios\ngetcwd\n.', ['os.getcwd()']],
  ['(cos\nsystem\nK\x01o.', ['os.system(1)']],
  ['csubprocess\nPopen\n(K\x01NI01\nK\x02K\x03t\x81.', ['subprocess.Popen(1, None, true, 2, …)']],
  ['cscript\nThing\n)R.', ['script.Thing()']],
  ['cscript\nThing\n)\x81}b.', []],
  ['cos\nenviron\n}b.', ['setting attributes of os.environ']],
  ['cos\nsystem\n.', ['os.system (named, not called)']],
  // What a refused call would have given is called in turn.
  ['cbuiltins\ngetattr\n)R)R.', ['builtins.getattr()', 'an object()']],
  ['cos\nsys\x1btem\n)R.', ['os.sys\ufffdtem()']],
  ['cnumpy\ndtype\n)R.', []],
];

test('whatever a pickle calls becomes a record, and is taken down', () => {
  for (const [pickle, expected] of evil) {
    const { value, refused } = read(pickle);
    assert(isObject(value) && (value.kind === 'record' || value.kind === 'global'), pickle);
    assert.deepEqual(refused, expected, pickle);
  }
  const many = read(`(${Array.from({ length: 99 }, (_, i) => `cm\nf${i}\n)R`).join('')}l.`);
  assert.equal(many.refused.length, 21);
});

const broken: readonly (readonly [pickle: string, message: RegExp, truncated?: boolean])[] = [
  ['', /it ends at byte 0/, true],
  ['N', /it ends at byte 1/, true],
  ['X\xff\xff\xff\xffabc', /it ends/, true],
  ['\x8d\0\0\0\0\0\0\0\x80', /it ends/, true],
  ['I12', /no end/, true],
  ['\xff.', /unknown operation \(255\) at byte 0/],
  ['\x80\x06N.', /protocol 6/],
  ['.', /takes a value that is not there/],
  ['N(.', /takes a value that is not there/],
  ['Nt.', /takes a mark that is not there/],
  ['h\x05.', /object 5, which is not there/],
  ['p-1\n.', /takes a value|numbers an object wrongly/],
  ['Np-1\n.', /numbers an object wrongly/],
  ['Ix\n.', /should be an integer/],
  [`L${'9'.repeat(200)}\n.`, /should be an integer/],
  ['\x8a\x41', /an integer of 65 bytes/],
  ['\x8b\xff\xff\xff\xff', /an integer of 4294967295 bytes/],
  ['Fx\n.', /should be a number/],
  ['Sx\n.', /without quotes/],
  ['NNa.', /no list/],
  ['NNNs.', /no dict/],
  ['}(Nu.', /a key and no value/],
  ['NK\x01\x93.', /names a class wrongly/],
  ['cos\nsystem\nNR.', /without a tuple/],
  ['\x97.', /buffers outside/],
  ['\x82\x01.', /extension registry/],
  ['NQ.', /no tensor/],
];

test('a pickle that is broken is told so, and one that is cut off is known as such', () => {
  for (const [pickle, message, truncated = false] of broken) {
    assert.throws(
      () => read(pickle),
      (error) => {
        assert(error instanceof PickleError, `${pickle}: ${error}`);
        assert.match(error.message, message, pickle);
        assert.equal(error.truncated, truncated, pickle);
        return true;
      },
    );
  }
  assert.throws(() => readPickle(Buffer.from('NQ.'), 0, plainBuilder, new Refusals()), PickleError);
});

test('no pickle makes more than the stated number of objects', () => {
  // One byte each: lists on the stack, in each other, kept in the memo, marks, copies of one.
  for (const text of [']', ']\x85', '}\x94', '(', '2']) {
    const bytes = Buffer.alloc(1 + 2 * maxPickleObjects * text.length, text, 'latin1');
    bytes[0] = 0x4e;
    assert.throws(() => readPickle(bytes, 0, plainBuilder, new Refusals()), /more than \d+ (objects|values)/);
  }
});
