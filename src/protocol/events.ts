/**
 * One stream event, made canonical: named, on one line, under the client's name for the model, with nothing in it that
 * only one upstream knows. What need not be changed is not parsed.
 * https://docs.claude.com/en/docs/build-with-claude/streaming#event-types
 */
import { GatewayError } from '../errors.ts'
import { type Bytes, hasAt } from './bytes.ts'
import { splice, without } from './edits.ts'
import { member, outline, parse, type Value } from './json.ts'
import type { StreamEvent } from './messages.ts'

/** What an answer says of its model, and what the client is told. */
export interface Naming {
  /** The name that the client asked for. */
  told: string
  /** Only this name gives way; without it, any does. */
  instead?: string
}

/**
 * The event in these bytes. Undefined where they carry no type: there is no event to name then, and some upstreams
 * keep connections alive that way.
 */
export function eventIn(bytes: Bytes, naming: Naming, name = typeOf(bytes)): StreamEvent | undefined {
  return name === undefined ? undefined : canonical({ type: name, data: onOneLine(bytes) }, naming)
}

const TYPE_FIRST = new TextEncoder().encode('{"type":"')
const QUOTE = 0x22

/** The most frequent first: no text is made of these. */
const TYPES = [
  'content_block_delta',
  'content_block_start',
  'content_block_stop',
  'message_start',
  'message_delta',
].map((type) => ({ type, quoted: new TextEncoder().encode(`${type}"`) }))

/** An event's type; read from its first bytes, where it is nearly always written. */
function typeOf(data: Uint8Array): string | undefined {
  if (hasAt(data, 0, TYPE_FIRST)) {
    for (const { type, quoted } of TYPES) if (hasAt(data, TYPE_FIRST.length, quoted)) return type
    let type = ''
    for (let at = TYPE_FIRST.length; at < data.length; at++) {
      const byte = data[at] as number
      if (byte === QUOTE) return type
      type += String.fromCharCode(byte)
    }
  }
  const value = member(upstreamOutline(data, { type: true }), 'type')
  const type = value && parse<unknown>(data, value)
  return typeof type === 'string' ? type : undefined
}

/** Only three events carry what is an upstream's own. */
function canonical(event: StreamEvent, naming: Naming): StreamEvent {
  const { type, data } = event
  if (type === 'message_start') return renamed(event, naming)
  if (type !== 'message_stop' && type !== 'message_delta') return event
  return { type, data: splice(data, bedrockKeys(upstreamOutline(data, {}))) }
}

function renamed(event: StreamEvent, { told, instead }: Naming): StreamEvent {
  const root = upstreamOutline(event.data, { message: { model: true } })
  const name = member(member(root, 'message'), 'model')
  if (!name || (instead !== undefined && parse<unknown>(event.data, name) !== instead)) return event
  return { type: event.type, data: splice(event.data, [{ ...name, text: JSON.stringify(told) }]) }
}

function bedrockKeys(root: Value) {
  return without(root.members, ({ key }) => key.startsWith('amazon-bedrock-'))
}

/** Line breaks stand only between tokens in JSON, and would end an SSE data line. */
function onOneLine(data: Bytes): Bytes {
  // One walk, by index: two searches of so short an array cost more, and so does an iterator.
  for (let at = 0; at < data.length; at++) {
    if (isBreak(data[at] as number)) return data.map((byte) => (isBreak(byte) ? SPACE : byte))
  }
  return data
}

const SPACE = 0x20

function isBreak(byte: number): boolean {
  return byte === 0x0a || byte === 0x0d
}

/** `outline` blames the caller's body; here it is the upstream's that is broken. */
export function upstreamOutline(...asked: Parameters<typeof outline>): Value {
  try {
    return outline(...asked)
  } catch (cause) {
    throw unreadable('it is not JSON', cause)
  }
}

export function unreadable(how: string, cause?: unknown): GatewayError {
  return new GatewayError('api_error', `The upstream sent an answer that cannot be read: ${how}.`, { cause })
}
