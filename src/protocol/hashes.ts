/**
 * SHA-256 and HMAC with it, as a runtime does them best. Web Crypto is everywhere and hands every question to another
 * thread; a host has them at once. Whoever asks awaits either.
 */
import type { Bytes } from './bytes.ts'
import { hex } from './ids.ts'

export interface Hashes {
  /** Hexadecimal. */
  sha256(what: Bytes | string): string | Promise<string>
  hmac(key: Bytes, what: Bytes | string): Bytes | Promise<Bytes>
  /** CRC-32 of these bytes, where the runtime has it: every byte of an event stream passes there. */
  crc32?: ((bytes: Uint8Array) => number) | undefined
}

const HMAC = { name: 'HMAC', hash: 'SHA-256' }

export const webHashes: Hashes = {
  async sha256(what) {
    return hex(new Uint8Array(await crypto.subtle.digest('SHA-256', bytesOf(what))))
  },
  async hmac(key, what) {
    const imported = await crypto.subtle.importKey('raw', key, HMAC, false, ['sign'])
    return new Uint8Array(await crypto.subtle.sign('HMAC', imported, bytesOf(what)))
  },
}

const encoder = new TextEncoder()

function bytesOf(what: Bytes | string): Bytes {
  return typeof what === 'string' ? encoder.encode(what) : what
}
