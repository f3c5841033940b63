/** Ranges of addresses, as in `10.0.0.0/8` and `2001:db8::/32`; and whose address it is that a request comes from. */
import { type Address, MAPPED, parseAddress, startsWith } from './addresses.ts'

export interface Range {
  prefix: Address
  bits: number
}

/** A range, or a single address; undefined for what is neither, or has bits set beyond its length. */
export function parseRange(text: string): Range | undefined {
  const [, prefixText = '', length] = /^([^/]+)(?:\/(0|[1-9]\d{0,2}))?$/.exec(text) ?? []
  const prefix = parseAddress(prefixText)
  if (!prefix) return undefined
  const most = prefix.length * 8
  const bits = length === undefined ? most : Number(length)
  if (bits > most) return undefined
  const isWhole = prefix.every((byte, index) => {
    const kept = Math.min(8, Math.max(0, bits - index * 8))
    return (byte & (0xff >> kept)) === 0
  })
  return isWhole ? { prefix, bits } : undefined
}

/** Whether any of them holds this address; what is no address is held by none. */
export function holds(ranges: readonly Range[], text: string): boolean {
  const address = plainAddress(text)
  return address !== undefined && ranges.some((range) => isIn(range, address))
}

/** Whether every address of the one is in the other. */
export function isInside(inner: Range, outer: Range): boolean {
  return inner.bits >= outer.bits && isIn(outer, inner.prefix)
}

function isIn({ prefix, bits }: Range, address: Address): boolean {
  return prefix.length === address.length && startsWith(address, prefix, bits)
}

/** An IPv4 address that a socket gives in IPv6's clothes is that IPv4 address. */
function plainAddress(text: string): Address | undefined {
  const address = parseAddress(text.replace(/%.*$/, ''))
  return address?.length === 16 && startsWith(address, MAPPED, 96) ? address.slice(12) : address
}

/**
 * Whose address a request comes from. That is the peer's, unless the peer is a proxy that is trusted: then it is the
 * last one in `x-forwarded-for` that is not. What stands before it anybody may have written.
 */
export function clientOf(
  peer: string | undefined,
  forwardedFor: string | null,
  trusted: readonly Range[],
): string | undefined {
  if (peer === undefined || !holds(trusted, peer)) return peer
  let client = peer
  for (const each of (forwardedFor ?? '').split(',').toReversed()) {
    const address = withoutPort(each.trim())
    if (plainAddress(address) === undefined) return client
    client = address
    if (!holds(trusted, address)) return client
  }
  return client
}

/** Some proxies write `192.0.2.7:4711` or `[2001:db8::1]:4711`. */
function withoutPort(text: string): string {
  const [, bracketed, plain] = /^(?:\[([^\]]+)\](?::\d+)?|([^:]+):\d+)$/.exec(text) ?? []
  return bracketed ?? plain ?? text
}
