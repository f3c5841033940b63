/**
 * The look of a secret: what it is for (`oc_` a developer's key, `oct_` a token for the admin API), 32 random characters
 * (190 bits), and a checksum of 6. The checksum lets a typing error or a made-up one be refused without asking the
 * database, and secret scanners be sure of a find.
 */
import { crc32 } from './crc32.ts'
import { webHashes } from './hashes.ts'

const ALPHABET = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz'
const FORMAT = /^(oct?)_[0-9A-Za-z]{38}$/
const RANDOM = 32
const CHECKSUM = 6

/** Of a key, and of a token. */
export type SecretPrefix = 'oc' | 'oct'

/** A new secret. */
export function newSecret(prefix: SecretPrefix = 'oc'): string {
  const secret = `${prefix}_${randomText(RANDOM)}`
  return secret + checksum(secret)
}

/** Whether this could be one of ours, of that kind. */
export function isWellFormed(secret: string, prefix: SecretPrefix = 'oc'): boolean {
  const [, found] = FORMAT.exec(secret) ?? []
  return found === prefix && secret.endsWith(checksum(secret.slice(0, -CHECKSUM)))
}

const HINT = 6

/** The first characters of a secret, to tell it from others by: too few to guess the rest. */
export function hintOf(secret: string): string {
  return secret.slice(0, secret.indexOf('_') + 1 + HINT)
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
