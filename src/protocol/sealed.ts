/**
 * Text that goes out to clients and comes back, and that nobody but the holder of a secret key can read or forge:
 * AES-256-GCM under a key that HKDF derives for one purpose. https://www.rfc-editor.org/rfc/rfc5869
 *
 *     "oc1" | 12 bytes of nonce | ciphertext and tag        all in base64, so that it always starts with "b2Mx"
 */
import { fromBase64, toBase64 } from './base64.ts'
import { type Bytes, concat, hasAt } from './bytes.ts'

const encoder = new TextEncoder()
const VERSION = encoder.encode('oc1')
const PREFIX = toBase64(VERSION)
const NONCE = 12

/** Whether this is one of ours, to all appearances: it may still not open. */
export function looksSealed(text: unknown): boolean {
  return typeof text === 'string' && text.startsWith(PREFIX)
}

export interface Sealer {
  /** `context` is not in what comes out; the same has to be said to open it. */
  seal(text: string, context: string): Promise<string>
  /** Undefined for what was sealed by somebody else, in another context, or changed since. */
  open(sealed: string, context: string): Promise<string | undefined>
}

/** The first of the keys seals, every one opens. Nothing is derived before it is needed. */
export function sealer(secretKeys: readonly string[], purpose: string): Sealer {
  const derived: Promise<CryptoKey>[] = []

  function keyAt(index: number): Promise<CryptoKey> {
    derived[index] ??= derive(secretKeys[index] ?? '', purpose)
    return derived[index]
  }

  return {
    async seal(text, context) {
      if (secretKeys.length === 0) throw new Error('there is no secret key to seal with')
      const nonce = crypto.getRandomValues(new Uint8Array(NONCE))
      const sealed = await crypto.subtle.encrypt(aes(nonce, context), await keyAt(0), encoder.encode(text))
      return toBase64(concat([VERSION, nonce, new Uint8Array(sealed)]))
    },
    async open(sealed, context) {
      const bytes = decoded(sealed)
      if (!bytes || !hasAt(bytes, 0, VERSION)) return undefined
      const algorithm = aes(bytes.subarray(VERSION.length, VERSION.length + NONCE), context)
      const body = bytes.subarray(VERSION.length + NONCE)
      for (let index = 0; index < secretKeys.length; index++) {
        const opened = await crypto.subtle.decrypt(algorithm, await keyAt(index), body).catch(() => undefined)
        if (opened) return new TextDecoder().decode(opened)
      }
      return undefined
    },
  }
}

function aes(nonce: Bytes, context: string) {
  return { name: 'AES-GCM', iv: nonce, additionalData: encoder.encode(context) }
}

async function derive(secret: string, purpose: string): Promise<CryptoKey> {
  const secretKey = await crypto.subtle.importKey('raw', encoder.encode(secret), 'HKDF', false, ['deriveKey'])
  const how = {
    name: 'HKDF',
    hash: 'SHA-256',
    salt: encoder.encode('outcrop'),
    info: encoder.encode(purpose),
  }
  const aesKey = { name: 'AES-GCM', length: 256 }
  return crypto.subtle.deriveKey(how, secretKey, aesKey, false, ['encrypt', 'decrypt'])
}

function decoded(sealed: string): Bytes | undefined {
  const text = encoder.encode(sealed)
  try {
    return fromBase64(text, 0, text.length)
  } catch {
    return undefined
  }
}
