/**
 * The look of a developer's key: `oc_`, 32 random characters (190 bits), and a checksum of 6. The checksum lets a
 * typing error or a made-up key be refused without asking the database, and secret scanners be sure of a find.
 */
import { crc32 } from './crc32.ts'
import { webHashes } from './hashes.ts'

const ALPHABET = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz'
const FORMAT = /^oc_[0-9A-Za-z]{38}$/
const RANDOM = 32
const CHECKSUM = 6

/** A new secret. */
export function newSecret(): string {
  const secret = `oc_${randomText(RANDOM)}`
  return secret + checksum(secret)
}

/** Whether this could be one of ours. */
export function isWellFormed(secret: string): boolean {
  return FORMAT.test(secret) && secret.endsWith(checksum(secret.slice(0, -CHECKSUM)))
}

/** What is stored instead of a secret. Unsalted is enough: there are 190 random bits to guess. */
export async function hashOf(secret: string): Promise<string> {
  return webHashes.sha256(secret)
}

/** Random characters of 5.95 bits each. */
export function randomText(length: number): string {
  let text = ''
  while (text.length < length) {
    for (const byte of crypto.getRandomValues(new Uint8Array(length))) {
      // 248 is the largest multiple of 62 in a byte: the rest would favour the first letters.
      if (byte < 248 && text.length < length) text += ALPHABET[byte % ALPHABET.length]
    }
  }
  return text
}

function checksum(text: string): string {
  const bytes = new TextEncoder().encode(text)
  let rest = crc32(bytes, 0, bytes.length)
  let out = ''
  for (let digit = 0; digit < CHECKSUM; digit++) {
    out = ALPHABET[rest % ALPHABET.length] + out
    rest = Math.floor(rest / ALPHABET.length)
  }
  return out
}
