/**
 * XML, as far as AWS's query APIs answer in it: elements and text. What they never send is refused, and is no risk then:
 * document types, entities of one's own, CDATA, processing instructions. https://www.w3.org/TR/xml/
 */

export interface XmlElement {
  name: string
  /** What stands in it itself, between its children. */
  text: string
  children: XmlElement[]
}

export class XmlError extends Error {}

const DEEPEST = 16
const NAME = /^[A-Za-z_][\w.-]*$/
/** Names in quotes behind a name; nobody here reads them. */
const ATTRIBUTES = /^(?:\s+[A-Za-z_][\w.:-]*\s*=\s*(?:"[^"<]*"|'[^'<]*'))*\s*$/

/** @throws XmlError for anything that is not one whole element. */
export function readXml(document: string): XmlElement {
  const whole: XmlElement = { name: '', text: '', children: [] }
  const open = [whole]
  let at = prologue(document)
  while (at < document.length) {
    const here = open[open.length - 1] ?? whole
    const next = document.indexOf('<', at)
    const end = next < 0 ? document.length : next
    here.text += plain(document.slice(at, end))
    if (next < 0) break
    const close = document.indexOf('>', next)
    if (close < 0) throw new XmlError('a tag does not end')
    take(document.slice(next + 1, close), open)
    at = close + 1
  }
  const [root, ...more] = whole.children
  if (open.length !== 1 || !root || more.length > 0 || whole.text.trim() !== '')
    throw new XmlError('it is not one whole element')
  return root
}

/** The text at the end of a path of names, each the first of its name; undefined where it leads nowhere. */
export function textAt(element: XmlElement, ...path: string[]): string | undefined {
  let here: XmlElement | undefined = element
  for (const name of path) here = here?.children.find((child) => child.name === name)
  return here?.text.trim()
}

function prologue(document: string): number {
  const start = document.search(/\S/)
  if (start < 0 || !document.startsWith('<?xml ', start)) return Math.max(start, 0)
  const end = document.indexOf('?>', start)
  if (end < 0) throw new XmlError('a declaration does not end')
  return end + 2
}

/** What stands between two angle brackets. */
function take(tag: string, open: XmlElement[]) {
  if (tag.startsWith('/')) return leave(tag.slice(1).trimEnd(), open)
  const isEmpty = tag.endsWith('/')
  const said = isEmpty ? tag.slice(0, -1) : tag
  const cut = said.search(/\s/)
  const name = cut < 0 ? said : said.slice(0, cut)
  if (!NAME.test(name) || (cut >= 0 && !ATTRIBUTES.test(said.slice(cut)))) throw new XmlError('a tag is none')
  if (open.length > DEEPEST) throw new XmlError('it is too deep')
  const element: XmlElement = { name, text: '', children: [] }
  open[open.length - 1]?.children.push(element)
  if (!isEmpty) open.push(element)
}

function leave(name: string, open: XmlElement[]) {
  if (open.length < 2 || open.pop()?.name !== name) throw new XmlError('a tag ends what was not begun')
}

const ENTITIES: Readonly<Record<string, string>> = { lt: '<', gt: '>', amp: '&', quot: '"', apos: "'" }

function plain(text: string): string {
  return text.replace(/&([^;&]{0,8};?)/g, (_, said: string) => {
    const name = said.slice(0, -1)
    const known = said.endsWith(';') && Object.hasOwn(ENTITIES, name) ? ENTITIES[name] : undefined
    return known ?? letter(said)
  })
}

/** `#65;` or `#x41;` */
function letter(said: string): string {
  const [, decimal, hexadecimal] = /^#(?:(\d{1,7})|x([0-9a-fA-F]{1,6}));$/.exec(said) ?? []
  const code = decimal === undefined ? Number.parseInt(hexadecimal ?? '', 16) : Number(decimal)
  if (!(code > 0 && code <= 0x10ffff)) throw new XmlError('it has an entity of its own')
  return String.fromCodePoint(code)
}
