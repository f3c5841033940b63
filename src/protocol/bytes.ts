/** Bytes, as everything here passes them about. */

export type Bytes = Uint8Array<ArrayBuffer>

/** An array of that length and of its own memory, with whatever in it: all of it will be written. */
export type Room = (length: number) => Bytes

const zeroed: Room = (length) => new Uint8Array(length)

/** The parts, one after the other, in one array. */
export function concat(parts: readonly Uint8Array[], room: Room = zeroed): Bytes {
  let length = 0
  for (const part of parts) length += part.length
  const whole = room(length)
  let at = 0
  for (const part of parts) {
    whole.set(part, at)
    at += part.length
  }
  return whole
}

/** Whether `prefix` stands in `bytes` from `at` on. */
export function hasAt(bytes: Uint8Array, at: number, prefix: Uint8Array): boolean {
  for (let index = 0; index < prefix.length; index++) {
    if (bytes[at + index] !== prefix[index]) return false
  }
  return true
}
