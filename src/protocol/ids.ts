/**
 * The names of things: a prefix that says what it is, and a UUIDv7, so that names sort by when they were made.
 * Layout: https://www.rfc-editor.org/rfc/rfc9562#name-uuid-version-7
 */

export type IdPrefix = 'req' | 'key' | 'user' | 'team' | 'token' | 'budget' | 'price' | 'notice' | 'channel'

/** A new name such as `key_0199…`, 32 hexadecimal digits after the prefix. `now` is in milliseconds since 1970. */
export function newId(prefix: IdPrefix, now: number): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16))
  new DataView(bytes.buffer).setUint16(0, Math.floor(now / 2 ** 32))
  new DataView(bytes.buffer).setUint32(2, now % 2 ** 32)
  bytes[6] = 0x70 | ((bytes[6] ?? 0) & 0x0f)
  bytes[8] = 0x80 | ((bytes[8] ?? 0) & 0x3f)
  return `${prefix}_${hex(bytes)}`
}

/** What sorts before every name of that kind which is made at that time or later. */
export function idsSince(prefix: IdPrefix, time: number): string {
  return `${prefix}_${Math.max(0, time).toString(16).padStart(12, '0')}`
}

export function hex(bytes: Uint8Array): string {
  let out = ''
  for (const byte of bytes) out += PAIRS[byte]
  return out
}

const PAIRS = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, '0'))
