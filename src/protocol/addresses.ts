/**
 * IP addresses, and how far each of them reaches: what a request from outside may never be led to.
 * https://www.iana.org/assignments/iana-ipv4-special-registry https://www.iana.org/assignments/iana-ipv6-special-registry
 */

/**
 * `never` is what no setting opens: metadata services, link-local, multicast, tunnels, unassigned. `private` and
 * `loopback` are somebody's own, and only they can say that they mean it.
 */
export type Reach = 'public' | 'loopback' | 'private' | 'never'

/** Four bytes, or sixteen. */
export type Address = readonly number[]

interface Judged {
  prefix: Address
  bits: number
  reach: Reach
}

/** The first range that holds an address decides; what none holds is public. */
const V4 = ranges([
  ['0.0.0.0/8', 'never'], // Linux takes it for loopback
  ['10.0.0.0/8', 'private'],
  ['100.100.100.200/32', 'never'], // metadata of Alibaba Cloud
  ['100.64.0.0/10', 'private'],
  ['127.0.0.0/8', 'loopback'],
  ['168.63.129.16/32', 'never'], // Azure's host, a public address in name only
  ['169.254.0.0/16', 'never'], // metadata of almost every cloud
  ['172.16.0.0/12', 'private'],
  ['192.0.0.0/24', 'never'], // metadata of Oracle Cloud
  ['192.0.2.0/24', 'never'],
  ['192.88.99.0/24', 'never'],
  ['192.168.0.0/16', 'private'],
  ['198.18.0.0/15', 'never'],
  ['198.51.100.0/24', 'never'],
  ['203.0.113.0/24', 'never'],
  ['224.0.0.0/4', 'never'],
  ['240.0.0.0/4', 'never'],
])

/** Of IPv6 only `2000::/3` has ever been given out. */
const V6 = ranges([
  ['::1/128', 'loopback'],
  ['fd00:ec2::/32', 'never'], // metadata and time of AWS
  ['fd20:ce::/32', 'never'], // metadata of Google Cloud
  ['fc00::/7', 'private'],
  ['2001::/23', 'never'], // Teredo, ORCHID, benchmarks
  ['2001:db8::/32', 'never'],
  ['2002::/16', 'never'], // 6to4, an IPv4 address in disguise
  ['3ffe::/16', 'never'],
  ['3fff::/20', 'never'],
  ['2000::/3', 'public'],
  ['::/0', 'never'],
])

/** What an IPv4 address in IPv6's clothes begins with. */
export const MAPPED = address('::ffff:0:0')
const NAT64 = address('64:ff9b::')
/** The middle of an ISATAP interface identifier; the bit before it says whether its IPv4 address claims to be global. */
const ISATAP = [0x00, 0x00, 0x5e, 0xfe]

/** How far an address reaches. An IPv4 address inside an IPv6 one is judged too: it is where the packet ends up. */
export function reachOf(address: Address): Reach {
  if (address.length === 4) return find(V4, address)
  const inner = address.slice(12)
  if (startsWith(address, MAPPED, 96)) return find(V4, inner)
  // Networks without IPv4 reach all of it this way, so the form itself cannot be refused.
  if (startsWith(address, NAT64, 96)) return find(V4, inner) === 'public' ? 'public' : 'never'
  const isIsatap = ISATAP.every(
    (byte, index) => byte === ((address[8 + index] ?? 0) & (index === 0 ? 0xfd : 0xff)),
  )
  if (isIsatap && find(V4, inner) !== 'public') return 'never'
  return find(V6, address)
}

function find(table: readonly Judged[], address: Address): Reach {
  return table.find(({ prefix, bits }) => startsWith(address, prefix, bits))?.reach ?? 'public'
}

/** Whether the first so many bits are those of the prefix. */
export function startsWith(address: Address, prefix: Address, bits: number): boolean {
  for (let at = 0; at * 8 < bits; at++) {
    const mask = (0xff00 >> Math.min(8, bits - at * 8)) & 0xff
    if (((address[at] ?? 0) & mask) !== ((prefix[at] ?? 0) & mask)) return false
  }
  return true
}

/**
 * The address that a text is: dotted decimals, or RFC 4291 with no zone. Whatever could be read in two ways, such as
 * `010.0.0.1`, is none.
 */
export function parseAddress(text: string): Address | undefined {
  return text.includes(':') ? parseV6(text) : parseV4(text)
}

function parseV4(text: string): number[] | undefined {
  const parts = text.split('.')
  if (parts.length !== 4 || !parts.every((part) => /^(?:0|[1-9]\d{0,2})$/.test(part))) return undefined
  const bytes = parts.map(Number)
  return bytes.every((byte) => byte < 256) ? bytes : undefined
}

function parseV6(text: string): number[] | undefined {
  const halves = text.split('::')
  if (halves.length > 2) return undefined
  const [head, tail] = halves.map((half, index) => groups(half, index === halves.length - 1))
  if (!head) return undefined
  if (halves.length === 1) return head.length === 16 ? head : undefined
  if (!tail || head.length + tail.length > 14) return undefined
  return [...head, ...new Array<number>(16 - head.length - tail.length).fill(0), ...tail]
}

/** The bytes between two `::` or ends; an IPv4 address may only stand last. */
function groups(text: string, isLast: boolean): number[] | undefined {
  if (text === '') return []
  const bytes: number[] = []
  const parts = text.split(':')
  for (const [index, part] of parts.entries()) {
    if (/^[0-9a-f]{1,4}$/i.test(part)) {
      const value = Number.parseInt(part, 16)
      bytes.push(value >> 8, value & 0xff)
      continue
    }
    const inner = isLast && index === parts.length - 1 ? parseV4(part) : undefined
    if (!inner) return undefined
    bytes.push(...inner)
  }
  return bytes
}

function ranges(lines: readonly (readonly [string, Reach])[]): readonly Judged[] {
  return lines.map(([range, reach]) => {
    const [prefix = '', bits] = range.split('/')
    return { prefix: address(prefix), bits: Number(bits), reach }
  })
}

function address(text: string): Address {
  const parsed = parseAddress(text)
  if (!parsed) throw new Error(`${text} is not an address`)
  return parsed
}
