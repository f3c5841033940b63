/**
 * The names of things: a prefix that says what it is, and a UUIDv7, so that names sort by when they were made.
 * Layout: https://www.rfc-editor.org/rfc/rfc9562#name-uuid-version-7
 */

export type IdPrefix =
  | 'req'
  | 'key'
  | 'user'
  | 'team'
  | 'token'
  | 'budget'
  | 'price'
  | 'notice'
  | 'channel'
  | 'upstream'

/** A new name such as `key_0199…`, 32 hexadecimal digits after the prefix. `now` is in milliseconds since 1970. */
export function newId(prefix: IdPrefix, now: number): string {
  // Its random digits are those of a UUIDv4, in the same places: of those a runtime makes many at once, while every
  // question for random bytes goes to the generator, for 4 to 20 microseconds.
  const random = crypto.randomUUID()
  const time = now.toString(16).padStart(12, '0')
  return `${prefix}_${time}7${random.slice(15, 18)}${random.slice(19, 23)}${random.slice(24)}`
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
