import { describe, expect, test } from 'vitest'
import { readHtml } from '../../src/protocol/html.ts'

const BASE = 'https://site.example/docs/page'
const text = (html: string) => readHtml(html, BASE).text

describe('a page', () => {
  test('is its title and what a reader would read', () => {
    const html = `<!doctype html><html><head><title> A &amp; B
      </title><style>p { color: red }</style><script>let a = "</p><p>no"; if (a < 1) {}</script></head>
      <body><h1>Head</h1><p>One  <b>bold</b>
      word.</p><ul><li>first<li>second</ul><!-- <p>hidden</p> --><p>Last<br>line</p><noscript>no</noscript></body>`
    expect(readHtml(html, BASE)).toEqual({
      title: 'A & B',
      text: '# Head\n\nOne bold word.\n\n- first\n- second\n\nLast\nline',
    })
  })

  test.each([
    ['<a href="/x?a=1&amp;b=2">here</a>.', '[here](https://site.example/x?a=1&b=2).'],
    ["see <a class=b href='other'> there </a>!", 'see [there](https://site.example/docs/other) !'],
    ['<a href=https://b.example/>b</a>', '[b](https://b.example/)'],
    ['<a href="#top">up</a> <a href="javascript:x()">no</a> <a>plain</a>', 'up no plain'],
    ['a<a href="/x"></a>b', 'ab'],
    ['<a href="/1">one<a href="/2">two</a>', '[one](https://site.example/1)[two](https://site.example/2)'],
    ['<ul><li><p>one</p></li><li><div>two</div></ul>', '- one\n\n- two'],
    ['<img alt="A picture" src=x><img src=y>', 'A picture'],
    ['<table><tr><th>a</th><th>b</th></tr><tr><td>1</td><td>2</td></tr></table>', 'a | b\n1 | 2'],
    ['a<pre>  x\n    y  &lt;z&gt;\n</pre>b', 'a\n\n  x\n    y  <z>\n\n\nb'],
    ['<textarea><b>not read</b></textarea>after', 'after'],
    ['1 < 2 <3 &lt;b&gt; a<', '1 < 2 <3 <b> a<'],
    ['<p title="a > b">x</p>', 'x'],
    ['<p title="unclosed>x</p>', 'x'],
    ['&#65;&#x42;&eacute;&nbsp;&bogus;&#0;&#xD800;&#x110000;&amp;lt;', 'ABé &bogus;\ufffd\ufffd\ufffd&lt;'],
    ['<script>never closed', ''],
    ['<SCRIPT>a</script x>b', 'b'],
    ['<svg/>seen', 'seen'],
    ['<?xml version="1.0"?><!foo></ bar>x', 'x'],
    ['<my-element>x</my-element>', 'x'],
    ['', ''],
  ])('%j reads %j', (html, read) => expect(text(html)).toBe(read))

  test('is read as far as its text is wanted', () => {
    const { text, title } = readHtml(`<title>T</title>${'<p>word'.repeat(1_000)}`, BASE, 50)
    expect(title).toBe('T')
    expect(text.length).toBeGreaterThanOrEqual(50)
    expect(text.length).toBeLessThan(60)
  })

  test('no page takes longer than its length', () => {
    const hostile = [
      '<',
      '<a ',
      '<a "',
      "<a '",
      '<a ">',
      '<!--',
      '</',
      '&',
      '<title>',
      '<script>',
      '<a href="/x">',
      '<p ="\'>',
      '<pre>',
      'a '.repeat(10),
    ]
    for (const piece of [...hostile, `<a href${' '.repeat(100)}`, `<a ">${"x'".repeat(4_500)}`]) {
      const page = piece.repeat(Math.ceil(1_000_000 / piece.length))
      const before = performance.now()
      readHtml(page, BASE)
      expect(performance.now() - before, piece.slice(0, 20)).toBeLessThan(4_000)
    }
  }, 60_000)
})
