import assert from 'node:assert/strict';
import { test } from 'node:test';
import { wcagContrast } from 'culori';
import { darkRules, theme } from './theme.js';

test('every colour can be told by its value, and has another in the dark', () => {
  const lights = Object.values(theme).map(([light]) => light);
  assert.equal(new Set(lights).size, lights.length);
  for (const [light, dark] of Object.values(theme)) {
    assert.ok(darkRules.includes(`[fill="${light}"] { fill: ${dark}; }`));
    assert.ok(darkRules.includes(`[stroke="${light}"] { stroke: ${dark}; }`));
  }
});

test('text and lines can be read on white and in the dark', () => {
  const { ink, faint, gray, blue, vermilion, green, purple, orange, paper, full, onFull } = theme;
  for (const side of [0, 1] as const) {
    for (const text of [ink, faint, gray, blue, vermilion, green, purple]) {
      assert.ok(wcagContrast(text[side], paper[side]) >= 4.5, text[side]);
    }
    assert.ok(wcagContrast(orange[side], paper[side]) >= 4, orange[side]);
    assert.ok(wcagContrast(onFull[side], full[side]) >= 4, full[side]);
  }
});
