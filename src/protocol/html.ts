/**
 * The text of a web page: what a reader would read, with its headings, lists and links kept in the way of Markdown.
 * One pass, in time proportional to the length whatever the page holds. Where a tag ends, and what is never text:
 * https://html.spec.whatwg.org/multipage/parsing.html#tokenization
 */

export interface Page {
  title: string | undefined
  text: string
}

/** What these hold is not for reading. */
const UNREAD = new Set([
  'script',
  'style',
  'noscript',
  'template',
  'svg',
  'math',
  'iframe',
  'object',
  'canvas',
])
/** What these hold is text even where it looks like tags. */
const RAW = new Set(['title', 'textarea'])

/** Elements that start and end a line, and those that stand apart from what is around them. */
const LINES = new Set(
  'address article aside body div dd dl dt fieldset figcaption figure footer form header hr li main nav option section tbody thead tr'.split(
    ' ',
  ),
)
const APART = new Set('blockquote details h1 h2 h3 h4 h5 h6 ol p pre table ul'.split(' '))

interface Tag {
  name: string
  isEnd: boolean
  attributes: string
}

/** The page being written. */
interface Paper {
  parts: string[]
  /** Of all that was put on it. */
  length: number
  /** Line ends owed before the next text; a space owed is less than one. */
  owed: number
  /** How deep in `pre`. */
  preformatted: number
  title: string | undefined
  links: { href: string; at: number }[]
  base: string
}

/** `base` is where the page came from: its links are told in full. Reading ends after about `most` characters of text. */
export function readHtml(html: string, base: string, most = Number.POSITIVE_INFINITY): Page {
  const paper: Paper = { parts: [], length: 0, owed: 0, preformatted: 0, title: undefined, links: [], base }
  const starts = /<(?:(\/?)([a-z][a-z0-9-]{0,30})|[!?/])/gi
  for (let at = 0; at < html.length && paper.length < most; ) {
    starts.lastIndex = at
    const start = starts.exec(html)
    const open = start?.index ?? html.length
    if (open > at) write(paper, decode(html.slice(at, open)))
    at = start ? markup(paper, html, start) : html.length
  }
  return { title: paper.title, text: paper.parts.join('').trim() }
}

/** Reads what starts with a `<`; where it ends. */
function markup(
  paper: Paper,
  html: string,
  { index: open, 0: start, 1: slash, 2: name }: RegExpExecArray,
): number {
  if (name === undefined)
    return html.startsWith('<!--', open) ? past(html, '-->', open + 4) : past(html, '>', open)
  const inside = open + start.length
  const end = tagEnd(html, inside)
  const tag = { name: name.toLowerCase(), isEnd: slash === '/', attributes: html.slice(inside, end - 1) }
  const isSkipped = !tag.isEnd && (UNREAD.has(tag.name) || RAW.has(tag.name)) && !tag.attributes.endsWith('/')
  if (!isSkipped) {
    mark(paper, tag)
    return end
  }
  const close = closing(html, tag.name, end)
  if (tag.name === 'title') paper.title ??= decode(html.slice(end, close)).replace(/\s+/g, ' ').trim()
  return close
}

function past(html: string, text: string, from: number): number {
  const at = html.indexOf(text, from)
  return at < 0 ? html.length : at + text.length
}

function closing(html: string, name: string, from: number): number {
  const close = new RegExp(`</${name}(?=[\\s/>])`, 'gi')
  close.lastIndex = from
  return close.exec(html)?.index ?? html.length
}

/** No attribute that means anything here is longer. */
const MAX_TAG = 8192

/** A `>` inside quotes does not end a tag, unless the quotes do not end either. */
function tagEnd(html: string, from: number): number {
  let quote = ''
  for (let at = from; at < Math.min(html.length, from + MAX_TAG); at++) {
    const character = html[at] as string
    if (quote === '' && character === '>') return at + 1
    if (character === quote) quote = ''
    else if (quote === '' && (character === '"' || character === "'")) quote = character
  }
  return past(html, '>', from)
}

function mark(paper: Paper, tag: Tag) {
  const { name, isEnd } = tag
  if (name === 'br') paper.owed = Math.max(1, Math.min(2, paper.owed + 1))
  if (LINES.has(name)) owe(paper, 1)
  if (APART.has(name)) owe(paper, 2)
  if (name === 'pre') paper.preformatted = Math.max(0, paper.preformatted + (isEnd ? -1 : 1))
  if (name === 'a') link(paper, tag)
  if (isEnd) return
  if (/^h[1-6]$/.test(name)) write(paper, `${'#'.repeat(Number(name[1]))} `)
  if (name === 'li') write(paper, '- ')
  if ((name === 'td' || name === 'th') && paper.owed < 1) write(paper, ' | ')
  if (name === 'img') write(paper, attribute(tag, 'alt') ?? '')
}

function owe(paper: Paper, lines: number) {
  paper.owed = Math.max(paper.owed, lines)
}

/** `[text](where)`; a link without text is none. */
function link(paper: Paper, tag: Tag) {
  const last = paper.links.pop()
  if (last && paper.parts.length > last.at && URL.canParse(last.href, paper.base)) {
    const url = new URL(last.href, paper.base)
    if (/^https?:$/.test(url.protocol)) {
      const text = paper.parts.splice(last.at).join('')
      const words = text.trimStart()
      put(paper, text.slice(0, text.length - words.length), `[${words}](${url.href})`)
    }
  }
  const href = tag.isEnd ? undefined : attribute(tag, 'href')
  if (href !== undefined && !href.startsWith('#')) paper.links.push({ href, at: paper.parts.length })
}

function put(paper: Paper, ...parts: string[]) {
  for (const part of parts) paper.length += part.length
  paper.parts.push(...parts)
}

function attribute({ attributes }: Tag, name: string): string | undefined {
  const found = new RegExp(`(?:^|[\\s"'/])${name}\\s*=\\s*(?:"([^"]*)"|'([^']*)'|([^\\s"'>]+))`, 'i').exec(
    attributes.slice(0, MAX_TAG),
  )
  const value = found?.[1] ?? found?.[2] ?? found?.[3]
  return value === undefined ? undefined : decode(value).trim()
}

function write(paper: Paper, text: string) {
  if (paper.preformatted > 0) {
    put(paper, '\n'.repeat(paper.owed), text)
    paper.owed = 0
    return
  }
  const words = text.replace(/\s+/g, ' ')
  if (words.startsWith(' ')) owe(paper, SPACE)
  if (words.trim() === '') return
  put(paper, gap(paper), words.trim())
  paper.owed = words.endsWith(' ') ? SPACE : 0
}

const SPACE = 0.5

/** What stands between the text so far and the next. What a list item or heading begins with stands on its mark's line. */
function gap({ parts, owed }: Paper): string {
  if (owed === 0 || parts.length === 0) return ''
  return owed < 1 || /^(?:-|#+)$/.test(parts.at(-1) ?? '') ? ' ' : '\n'.repeat(owed)
}

/** The named characters that pages really use. https://html.spec.whatwg.org/multipage/named-characters.html */
const NAMED: ReadonlyMap<string, string> = new Map(
  (
    'amp=& lt=< gt=> quot=" apos=\' copy=© reg=® trade=™ hellip=… mdash=— ndash=– lsquo=‘ rsquo=’ sbquo=‚ ldquo=“ ' +
    'rdquo=” bdquo=„ laquo=« raquo=» bull=• middot=· sect=§ para=¶ deg=° plusmn=± times=× divide=÷ micro=µ ' +
    'frac12=½ frac14=¼ frac34=¾ euro=€ pound=£ yen=¥ cent=¢ larr=← uarr=↑ rarr=→ darr=↓ le=≤ ge=≥ ne=≠ infin=∞ ' +
    'auml=ä ouml=ö uuml=ü Auml=Ä Ouml=Ö Uuml=Ü szlig=ß eacute=é egrave=è agrave=à aacute=á ccedil=ç ntilde=ñ ' +
    'oacute=ó iacute=í uacute=ú aring=å oslash=ø aelig=æ shy= zwnj= zwj= lrm= rlm= nbsp=_ ensp=_ emsp=_ thinsp=_'
  )
    .split(' ')
    .map((each) => [each.replace(/=.*/, ''), each.replace(/^.*?=/, '').replace('_', ' ')] as const),
)

function decode(text: string): string {
  if (!text.includes('&')) return text
  return text.replace(/&(#x[0-9a-f]{1,6}|#\d{1,7}|[a-z]{2,8}\d{0,2});/gi, (whole, name: string) => {
    if (!name.startsWith('#')) return NAMED.get(name) ?? whole
    const point = /^#x/i.test(name) ? Number.parseInt(name.slice(2), 16) : Number(name.slice(1))
    const isCharacter = point > 0 && point <= 0x10ffff && (point < 0xd800 || point > 0xdfff)
    return isCharacter ? String.fromCodePoint(point) : '\ufffd'
  })
}
