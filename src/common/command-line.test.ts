import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { quoted, withoutFolders } from './command-line.js';

test('a command that is passed on with weights names no folders of its machine', () => {
  const paths: [string, string][] = [
    ['/home/ann/data/ferplus', 'ferplus'],
    ['/home/ann smith/secret client/run 1', "'run 1'"],
    ["/home/it's mine/ferplus", 'ferplus'],
    ['C:\\Users\\ann\\ferplus', 'ferplus'],
    ['C:/Users/ann/ferplus', 'ferplus'],
    ['\\\\fileserver\\ann\\t.st', 't.st'],
    ['~/data/ferplus', 'ferplus'],
    ['../ann smith/secret/ferplus', 'ferplus'],
    ['data/../../ann/ferplus', 'ferplus'],
    ['./../../home/ann/x', 'x'],
    ['file:///home/ann/ferplus', 'ferplus'],
    ['--out=/tmp/nano', '--out=nano'],
    ['ir50=/home/ann/b.pth', 'ir50=b.pth'],
    ['ir50:/home/ann/b.pth', 'ir50:b.pth'],
    ['/home/ann/', 'ann'],
    // These say nothing of a machine.
    ['data/ferplus', 'data/ferplus'],
    ['data/my faces', "'data/my faces'"],
    ['https://example.org/a/b.safetensors', 'https://example.org/a/b.safetensors'],
    ['1/3', '1/3'],
    ['-0.5', '-0.5'],
    ['/', '/'],
  ];
  for (const [path, expected] of paths) {
    const command = withoutFolders(quoted(['poster', 'train', '--data', path, '--lr', '0.001']));
    assert.equal(command, `poster train --data ${expected} --lr 0.001`);
    assert.equal(withoutFolders(command), command);
  }
});

test('words that name no folder stay as they are, whatever they hold', () => {
  const word = fc.string({ minLength: 1, unit: fc.constantFrom(...`ab1 '"$-.,=`) });
  fc.assert(fc.property(fc.array(word), (words) => assert.equal(withoutFolders(quoted(words)), quoted(words))));
});
