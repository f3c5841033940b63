/**
 * InvokeModel's answers, made canonical. A stream is AWS event stream whose every `chunk` frame holds one Messages
 * event in base64, beside a padding `p` of random length that hides how long the text is.
 * https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_PayloadPart.html
 */
import { GatewayError } from '../../errors.ts'
import { fromBase64 } from '../../protocol/base64.ts'
import { type Bytes, hasAt } from '../../protocol/bytes.ts'
import { splice, without } from '../../protocol/edits.ts'
import { type Frame, frameDecoder } from '../../protocol/eventstream.ts'
import { member, outline, parse, type Shape, type Value } from '../../protocol/json.ts'
import type { StreamEvent, WireUsage } from '../../protocol/messages.ts'
import type { EventDecoder } from '../../protocol/streams.ts'
import type { ReplyMessage } from '../provider.ts'
import { refusalBody, refusalError } from './errors.ts'

/** A decoder for one answer; `model` is the name the client asked for, and is told it got. */
export function bedrockDecoder(model: string): EventDecoder {
  const frames = frameDecoder()
  return {
    *push(chunk) {
      for (const frame of frames.push(chunk)) {
        const event = eventIn(frame, model)
        if (event) yield event
      }
    },
    end: frames.end,
  }
}

function eventIn(frame: Frame, model: string): StreamEvent | undefined {
  const type = frame.headers.get(':message-type')
  if (type === 'exception' || type === 'error') throw streamError(frame, model)
  if (type !== 'event' || frame.headers.get(':event-type') !== 'chunk') return undefined
  const data = onOneLine(fromBase64(frame.payload, ...base64In(frame.payload)))
  const name = typeOf(data)
  // Without a type there is no event to name: Bedrock keeps connections alive that way.
  return name === undefined ? undefined : canonical({ type: name, data }, model)
}

function streamError({ headers, payload }: Frame, model: string): GatewayError {
  const body = refusalBody(new TextDecoder().decode(payload))
  return refusalError(
    {
      name: headers.get(':exception-type') ?? headers.get(':error-code') ?? '',
      message: body.message ?? headers.get(':error-message') ?? '',
      status: 0,
      originalStatus: body.originalStatusCode,
    },
    model,
  )
}

const BYTES_FIRST = new TextEncoder().encode('{"bytes":"')
const QUOTE = 0x22

/** Where the base64 stands in `{"bytes":"…","p":"…"}`, without parsing it where it is written as it always is. */
function base64In(payload: Uint8Array): [start: number, end: number] {
  if (hasAt(payload, 0, BYTES_FIRST)) {
    const end = payload.indexOf(QUOTE, BYTES_FIRST.length)
    if (end > 0) return [BYTES_FIRST.length, end]
  }
  const value = member(
    damagedUnless(() => outline(payload, { bytes: true })),
    'bytes',
  )
  if (payload[value?.start ?? 0] !== QUOTE || !value) throw damaged('a chunk carries no bytes')
  return [value.start + 1, value.end - 1]
}

const TYPE_FIRST = new TextEncoder().encode('{"type":"')

/** An event's type; read from its first bytes, where it is always written. */
function typeOf(data: Uint8Array): string | undefined {
  if (hasAt(data, 0, TYPE_FIRST)) {
    let type = ''
    for (let at = TYPE_FIRST.length; at < data.length; at++) {
      const byte = data[at] as number
      if (byte === QUOTE) return type
      type += String.fromCharCode(byte)
    }
  }
  const value = member(
    damagedUnless(() => outline(data, { type: true })),
    'type',
  )
  const type = value && parse<unknown>(data, value)
  return typeof type === 'string' ? type : undefined
}

/** Only two events carry what is Bedrock's own. */
function canonical(event: StreamEvent, model: string): StreamEvent {
  if (event.type === 'message_start') {
    const root = damagedUnless(() => outline(event.data, { message: { model: true } }))
    const name = member(member(root, 'message'), 'model')
    return name
      ? { type: event.type, data: splice(event.data, [{ ...name, text: JSON.stringify(model) }]) }
      : event
  }
  if (event.type === 'message_stop' || event.type === 'message_delta') {
    return {
      type: event.type,
      data: splice(event.data, bedrockKeys(damagedUnless(() => outline(event.data, {})))),
    }
  }
  return event
}

function bedrockKeys(root: Value) {
  return without(root.members, ({ key }) => key.startsWith('amazon-bedrock-'))
}

const MESSAGE: Shape = { model: true, usage: true, stop_reason: true }

/** A whole answer, under the client's own name for the model. */
export function decodeMessage(body: Bytes, model: string): ReplyMessage {
  const root = damagedUnless(() => outline(body, MESSAGE))
  const name = member(root, 'model')
  const usage = member(root, 'usage')
  const stop = member(root, 'stop_reason')
  const renamed = name ? [{ start: name.start, end: name.end, text: JSON.stringify(model) }] : []
  const stopReason = stop && parse<unknown>(body, stop)
  return {
    body: splice(body, [...renamed, ...bedrockKeys(root)]),
    usage: (usage && parse<WireUsage>(body, usage)) ?? {},
    stopReason: typeof stopReason === 'string' ? stopReason : undefined,
  }
}

/** Line breaks stand only between tokens in JSON, and would end an SSE data line. */
function onOneLine(data: Bytes): Bytes {
  if (!data.includes(0x0a) && !data.includes(0x0d)) return data
  return data.map((byte) => (byte === 0x0a || byte === 0x0d ? 0x20 : byte))
}

/** `outline` blames the caller's body; here it is the upstream's that is broken. */
function damagedUnless<T>(read: () => T): T {
  try {
    return read()
  } catch (cause) {
    throw damaged('it is not JSON', cause)
  }
}

function damaged(how: string, cause?: unknown): GatewayError {
  return new GatewayError('api_error', `The upstream sent an answer that cannot be read: ${how}.`, { cause })
}
