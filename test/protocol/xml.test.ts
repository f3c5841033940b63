import fc from 'fast-check'
import { expect, test } from 'vitest'
import { readXml, textAt, XmlError } from '../../src/protocol/xml.ts'

test('elements, texts and the five entities are read', () => {
  const read = readXml(`<?xml version="1.0"?>
    <a xmlns="https://x.test/"><b> 1 &lt;&amp;&#65;&#x42;&quot; </b><c/><b>2</b></a>
  `)
  expect(textAt(read, 'b')).toBe('1 <&AB"')
  expect(textAt(read, 'c')).toBe('')
  expect(textAt(read, 'c', 'd')).toBeUndefined()
  expect(read.children.map(({ name }) => name)).toEqual(['b', 'c', 'b'])
})

test.each([
  ['nothing', ''],
  ['text alone', 'Service Unavailable'],
  ['what does not end', '<a><b></b>'],
  ['what ends in the wrong order', '<a><b></a></b>'],
  ['what ends twice', '<a></a></a>'],
  ['two elements', '<a/><b/>'],
  ['text behind it', '<a/>x'],
  ['a document type', '<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>'],
  ['an entity of its own', '<a>&b;</a>'],
  ['half an entity', '<a>&amp</a>'],
  ['a number that is no letter', '<a>&#1114112;</a>'],
  ['CDATA', '<a><![CDATA[x]]></a>'],
  ['a comment', '<a><!-- x --></a>'],
  ['an attribute without quotes', '<a b=c></a>'],
  ['an instruction', '<a><?b c?></a>'],
  ['a web page', '<html><body><p>gone<br></body></html>'],
])('%s is refused', (_, document) => {
  expect(() => readXml(document)).toThrow(XmlError)
})

test('depth is bounded, and length costs no more than it is long', () => {
  expect(() => readXml('<a>'.repeat(100) + '</a>'.repeat(100))).toThrow('too deep')
  const long = [`<a>${'<b/>'.repeat(15_000)}</a>`, `<a>${'&amp;'.repeat(12_000)}</a>`]
  const broken = [`<a ${'b="c" '.repeat(10_000)}`, `<a ${'b = '.repeat(15_000)}>`, `<a>${'<'.repeat(60_000)}`]
  const begun = performance.now()
  for (const document of long) expect(readXml(document).name).toBe('a')
  for (const document of broken) expect(() => readXml(document)).toThrow(XmlError)
  expect(performance.now() - begun).toBeLessThan(2_000)
})

test('any text comes back as it was written', () => {
  const escaped = (text: string) =>
    text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&#62;').replaceAll('"', '&#x22;')
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme' }), (text) => {
      expect(readXml(`<a><b>${escaped(text)}</b></a>`).children[0]?.text).toBe(text)
    }),
  )
})

test('nothing but an XmlError comes of any other text', () => {
  const part = fc.constantFrom('<a>', '</a>', '<a', '/>', '&amp;', '&', '"', '=', ' ', 'x', '<?xml ', '?>')
  fc.assert(
    fc.property(fc.array(part), (parts) => {
      try {
        expect(readXml(parts.join('')).name).toBe('a')
      } catch (error) {
        expect(error).toBeInstanceOf(XmlError)
      }
    }),
    { numRuns: 1_000 },
  )
})
