/**
 * A URL by its form: read the way it will be used, and its host named for what it is. The WHATWG parser has by then
 * undone every disguise of an IPv4 address (decimal, octal, hexadecimal, short, full-width, percent-encoded).
 * https://url.spec.whatwg.org/#host-parsing
 */
import { type Address, parseAddress, type Reach } from './addresses.ts'

/** `localhost` is loopback by definition, whatever a resolver says. https://www.rfc-editor.org/rfc/rfc6761#section-6.3 */
export type Host =
  | { kind: 'address'; address: string; bytes: Address }
  | { kind: 'localhost' }
  | { kind: 'name'; name: string; isLocal: boolean }

/** Top labels that no public name has: what ends in them is answered by somebody's own network, or by nobody. */
const LOCAL = new Set([
  'alt',
  'arpa',
  'corp',
  'home',
  'internal',
  'intranet',
  'invalid',
  'lan',
  'local',
  'localdomain',
  'localhost',
  'mail',
  'onion',
  'private',
  'test',
])

/** Control characters and backslashes are dropped or turned round by the parser: who writes them means to confuse. */
const PLAIN = /^[^\p{Cc}\p{Cf}\\]*$/u

/** An http(s) URL with no user and password in it; undefined for anything else. */
export function readUrl(text: string): URL | undefined {
  if (!PLAIN.test(text) || text !== text.trim() || !URL.canParse(text)) return undefined
  const url = new URL(text)
  const isPlain = url.username === '' && url.password === '' && url.hostname !== ''
  return isPlain && /^https?:$/.test(url.protocol) ? url : undefined
}

export function hostOf({ hostname }: URL): Host {
  const name = hostname.replace(/\.$/, '').toLowerCase()
  const address = name.replace(/^\[(.*)\]$/, '$1')
  const bytes = parseAddress(address)
  if (bytes) return { kind: 'address', address, bytes }
  const labels = name.split('.')
  const top = labels.at(-1) ?? ''
  if (top === 'localhost') return { kind: 'localhost' }
  return { kind: 'name', name, isLocal: labels.length < 2 || labels.includes('') || LOCAL.has(top) }
}

/** What our own settings open, beyond what is public. */
export interface Privileges {
  loopback: boolean
  /** Origins, as `URL.origin` writes them. */
  trusted: readonly string[]
}

export function isTrusted({ origin }: URL, { trusted }: Privileges): boolean {
  return trusted.includes(origin)
}

/** Why a URL that leads to addresses of these reaches may not be gone to, in a sentence that names none of them. */
export function refusalOf(url: URL, reaches: readonly Reach[], open: Privileges): string | undefined {
  const trusted = isTrusted(url, open)
  const mayBe = (reach: Reach) =>
    reach === 'public' || (reach === 'loopback' && open.loopback) || (reach !== 'never' && trusted)
  const isLoopback = reaches.every((reach) => reach === 'loopback')
  if (url.protocol !== 'https:' && !trusted && !(open.loopback && isLoopback)) {
    return 'The URL must start with https://.'
  }
  if (reaches.length === 0 || !reaches.every(mayBe)) return 'The URL does not lead to a public address.'
  // Below 1024 listens what speaks no HTTP; 443 is written as nothing.
  if (url.port !== '' && Number(url.port) < 1024 && !trusted && !isLoopback) {
    return 'The URL names a port that may not be used.'
  }
  return undefined
}

/** Of a `content-type`: in lower case, without its parameters. */
export function mediaTypeOf(contentType: string | null): string {
  return (contentType ?? '').split(';', 1)[0]?.trim().toLowerCase() ?? ''
}
