import assert from 'node:assert/strict';
import { test } from 'node:test';
import { withoutFolders } from './run-file.js';

test('a command that is passed on with weights names no folders of its machine', () => {
  const commands: [string, string][] = [
    ['poster train --data /home/ann/data/ferplus --lr 0.001', 'poster train --data ferplus --lr 0.001'],
    ["poster train --data '/home/ann/ferplus' --out=/tmp/nano", "poster train --data 'ferplus' --out=nano"],
    ['poster train --data C:\\Users\\ann\\ferplus', 'poster train --data ferplus'],
    ['poster train --data data/ferplus --erasing-ratio 1/3', 'poster train --data data/ferplus --erasing-ratio 1/3'],
    ['poster train --init /a/b/best.safetensors /c/d.pth', 'poster train --init best.safetensors d.pth'],
    ['poster train --data / --out /', 'poster train --data / --out /'],
  ];
  for (const [command, expected] of commands) assert.equal(withoutFolders(command), expected);
});
