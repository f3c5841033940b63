/**
 * AWS event-stream frames as Bedrock sends them, encoded by AWS's own codec.
 * https://smithy.io/2.0/aws/amazon-eventstream.html
 */
import { EventStreamCodec } from '@smithy/eventstream-codec'
import type { StreamExceptionName } from './refusal.ts'

const codec = new EventStreamCodec(
  (bytes) => (typeof bytes === 'string' ? bytes : Buffer.from(bytes).toString('utf8')),
  (words) => new Uint8Array(Buffer.from(words, 'utf8')),
)

function frame(headers: Record<string, string>, payload: string): Buffer {
  const typed = Object.entries(headers).map(([name, value]) => [name, { type: 'string', value }] as const)
  return Buffer.from(
    codec.encode({ headers: Object.fromEntries(typed), body: new Uint8Array(Buffer.from(payload)) }),
  )
}

const ALPHABET = 'abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789'

/** One of Anthropic's stream events, wrapped and padded. `json` is the event's own text. */
export function chunkFrame(json: string, padding = (json.length * 7) % ALPHABET.length): Buffer {
  const bytes = Buffer.from(json).toString('base64')
  return frame(
    { ':event-type': 'chunk', ':content-type': 'application/json', ':message-type': 'event' },
    JSON.stringify({ bytes, p: ALPHABET.slice(0, padding) }),
  )
}

/** A frame of a type that is not `chunk`, such as AWS may add one day. */
export function strangeFrame(eventType: string, payload: unknown): Buffer {
  return frame(
    { ':event-type': eventType, ':content-type': 'application/json', ':message-type': 'event' },
    JSON.stringify(payload),
  )
}

export function exceptionFrame(
  name: StreamExceptionName,
  message: string,
  extra: Record<string, unknown> = {},
): Buffer {
  return frame(
    { ':exception-type': name, ':content-type': 'application/json', ':message-type': 'exception' },
    JSON.stringify({ message, ...extra }),
  )
}

export function errorFrame(code: string, message: string): Buffer {
  return frame({ ':error-code': code, ':error-message': message, ':message-type': 'error' }, '')
}

export type Corruption = 'payload' | 'prelude-crc' | 'message-crc' | 'length'

export function corrupt(whole: Buffer, how: Corruption): Buffer {
  const out = Buffer.from(whole)
  if (how === 'length') out.writeUInt32BE(0x7fff_ffff, 0)
  else flip(out, { payload: out.length - 8, 'prelude-crc': 9, 'message-crc': out.length - 2 }[how])
  return out
}

function flip(bytes: Buffer, at: number): void {
  bytes.writeUInt8(bytes.readUInt8(at) ^ 0x01, at)
}
