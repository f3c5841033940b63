/**
 * A stream's events, put together to the message that the same call would have got in one piece. Tool inputs stay the
 * text they were streamed as, so that their numbers keep every digit.
 * https://docs.claude.com/en/docs/build-with-claude/streaming
 */
import { GatewayError } from '../errors.ts'
import { type Block, openBlock } from './blocks.ts'
import { hasAt } from './bytes.ts'
import type { StreamEvent } from './messages.ts'

type Fields = Record<string, unknown>

export interface Collector {
  /** @throws GatewayError api_error for an event that is not JSON. */
  add(events: readonly StreamEvent[]): void
  /** The message as JSON; undefined before `message_start`. */
  message(): string | undefined
}

export function collector(): Collector {
  let message: Fields | undefined
  const blocks = new Map<number, Block>()

  function addOne({ type, data }: StreamEvent) {
    if (type === 'content_block_delta' && grow(data)) return
    const event = parsed(data)
    const index = Number(event['index'])
    if (type === 'message_start') message = object(event['message'])
    else if (type === 'content_block_start') blocks.set(index, openBlock(object(event['content_block'])))
    else if (type === 'content_block_delta') blocks.get(index)?.push(object(event['delta']))
    else if (type === 'message_delta' && message) {
      const usage = { ...object(message['usage']), ...object(event['usage']) }
      const { type: _, index: __, delta, usage: ___, ...rest } = event
      Object.assign(message, rest, object(delta), { usage })
    }
  }

  /** Nearly every event of a stream is a text that goes on: it is read without a parse of what stands around it. */
  function grow(data: Uint8Array): boolean {
    const read = plainDelta(data)
    if (!read) return false
    blocks.get(read.index)?.grow(read.kind, read.text)
    return true
  }

  return {
    add: (events) => events.forEach(addOne),
    message() {
      if (!message) return undefined
      const content = [...blocks].toSorted(([a], [b]) => a - b).map(([, block]) => block.text())
      const { content: _, ...rest } = message
      return `${JSON.stringify(rest).slice(0, -1)},"content":[${content.join(',')}]}`
    },
  }
}

const encoder = new TextEncoder()
const decoder = new TextDecoder()

/** A delta as it is always written, with what stands around its text. */
const BEFORE_INDEX = encoder.encode('{"type":"content_block_delta","index":')
const BEHIND_TEXT = encoder.encode('"}}')
const KINDS = [
  ['text_delta', 'text'],
  ['input_json_delta', 'partial_json'],
  ['thinking_delta', 'thinking'],
].map(([type = '', kind = '']) => ({
  kind,
  before: encoder.encode(`,"delta":{"type":"${type}","${kind}":"`),
}))
const ZERO = 0x30
/** Characters that a JSON string cannot hold as they are, and what stands for them. */
const ESCAPED = /[\\"\p{Cc}]/u
/** A text may begin with what would be a byte order mark at the beginning of a file. */
const asItStands = new TextDecoder('utf-8', { ignoreBOM: true })

interface PlainDelta {
  index: number
  kind: string
  text: string
}

/** What a delta adds; undefined where it is written otherwise, and is to be parsed. */
function plainDelta(data: Uint8Array): PlainDelta | undefined {
  if (!hasAt(data, 0, BEFORE_INDEX)) return undefined
  const index = (data[BEFORE_INDEX.length] as number) - ZERO
  const from = BEFORE_INDEX.length + 1 // one digit: an answer seldom has more blocks
  const known = KINDS.find(({ before }) => hasAt(data, from, before))
  const start = from + (known?.before.length ?? 0)
  const end = data.length - BEHIND_TEXT.length
  if (!known || index < 0 || index > 9 || end < start || !hasAt(data, end, BEHIND_TEXT)) return undefined
  const text = unescaped(asItStands.decode(data.subarray(start, end)))
  return text === undefined ? undefined : { index, kind: known.kind, text }
}

/** What stands between the quotes of a JSON string; undefined where that is not all one string. */
function unescaped(text: string): string | undefined {
  if (!ESCAPED.test(text)) return text
  try {
    return JSON.parse(`"${text}"`)
  } catch {
    return undefined
  }
}

function parsed(data: Uint8Array): Fields {
  try {
    return object(JSON.parse(decoder.decode(data)))
  } catch (cause) {
    throw new GatewayError('api_error', 'The upstream sent an event that cannot be read.', { cause })
  }
}

function object(value: unknown): Fields {
  return typeof value === 'object' && value !== null ? (value as Fields) : {}
}
