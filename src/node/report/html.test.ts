import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { Html, html, htmlPage, htmlTable } from './html.js';

test('strings are escaped, pieces of HTML are not', () => {
  assert.equal(
    html`<b title="${'"\'<&>'}">${3}${html`<i>${'<'}</i>`}</b>`.text,
    '<b title="&quot;&#39;&lt;&amp;&gt;">3<i>&lt;</i></b>',
  );
  assert.equal(html`${[html`a`, html`b`]}`.text, 'ab');
  assert.equal(html`${new Html('<hr>')}`.text, '<hr>');
});

test('no string makes a tag or ends an attribute', () => {
  fc.assert(
    fc.property(fc.string({ unit: fc.constantFrom('<', '>', '"', "'", '&', '/', 'a', ' ', ';') }), (text) => {
      const page = htmlTable([text], [[text, text]]).text;
      assert.deepEqual(page.match(/<[^>]*>/g), htmlTable(['x'], [['x', 'x']]).text.match(/<[^>]*>/g));
      assert.doesNotMatch(html`<p title="${text}">`.text.slice('<p title="'.length, -'">'.length), /["<>]/);
    }),
  );
});

test('a page forbids itself scripts and whatever is elsewhere', () => {
  const page = htmlPage('<title>', html`<p>${'body'}</p>`);
  assert.match(page, /<title>&lt;title&gt;<\/title>/);
  assert.match(page, /http-equiv="Content-Security-Policy" content="default-src 'none';/);
  assert.doesNotMatch(page, /https?:\/\/|@import|url\(|<script|<link|src=/);
});

test('numbers stand flush right, marked rows stand out', () => {
  assert.equal(
    htmlTable(['a', 'b', 'c'], [['x', 'y', '1']], { text: [1], marked: [0] }).text,
    '<table><thead><tr><th>a</th><th>b</th><th class="n">c</th></tr></thead><tbody>\n' +
      '<tr class="marked"><td>x</td><td>y</td><td class="n">1</td></tr>\n</tbody></table>',
  );
});
