/**
 * Signatures on thinking blocks: issued over the exact text shown, refused when a single byte comes back different.
 */
import { createHmac, timingSafeEqual } from 'node:crypto'

const KEY = 'the fake Bedrock thinks out loud'

/** `origin` sets signatures of equal (or omitted) text apart. */
export function seal(shown: string, origin: string): string {
  const nonce = mac(origin).subarray(0, 12)
  return Buffer.concat([nonce, mac(nonce.toString('hex') + shown)]).toString('base64')
}

export function sealFits(shown: string, signature: string): boolean {
  const bytes = Buffer.from(signature, 'base64')
  if (bytes.length !== 44 || bytes.toString('base64') !== signature) return false
  return timingSafeEqual(bytes.subarray(12), mac(bytes.subarray(0, 12).toString('hex') + shown))
}

/** A redacted block is its own signature. */
export function redact(thought: string): string {
  return Buffer.from(`${seal(thought, thought)}.${Buffer.from(thought).toString('base64')}`).toString(
    'base64',
  )
}

export function redactionFits(data: string): boolean {
  const [signature = '', thought = ''] = Buffer.from(data, 'base64').toString().split('.')
  return sealFits(Buffer.from(thought, 'base64').toString(), signature)
}

function mac(text: string): Buffer {
  return createHmac('sha256', KEY).update(text).digest()
}
