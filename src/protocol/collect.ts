/**
 * A stream's events, put together to the message that the same call would have got in one piece. Tool inputs stay the
 * text they were streamed as, so that their numbers keep every digit.
 * https://docs.claude.com/en/docs/build-with-claude/streaming
 */
import { GatewayError } from '../errors.ts'
import type { StreamEvent } from './messages.ts'

type Json = Record<string, unknown>

interface Block {
  fields: Json
  /** The pieces of a tool's input. */
  input: string
}

export interface Collector {
  /** @throws GatewayError api_error for an event that is not JSON. */
  add(events: readonly StreamEvent[]): void
  /** The message as JSON; undefined before `message_start`. */
  message(): string | undefined
}

export function collector(): Collector {
  let message: Json | undefined
  const blocks = new Map<number, Block>()

  function addOne({ type, data }: StreamEvent) {
    const event = parsed(data)
    const index = Number(event['index'])
    if (type === 'message_start') message = object(event['message'])
    else if (type === 'content_block_start')
      blocks.set(index, { fields: { ...object(event['content_block']) }, input: '' })
    else if (type === 'content_block_delta') applyDelta(blocks.get(index), object(event['delta']))
    else if (type === 'message_delta' && message) {
      const usage = { ...object(message['usage']), ...object(event['usage']) }
      const { type: _, index: __, delta, usage: ___, ...rest } = event
      Object.assign(message, rest, object(delta), { usage })
    }
  }

  return {
    add: (events) => events.forEach(addOne),
    message() {
      if (!message) return undefined
      const content = [...blocks].toSorted(([a], [b]) => a - b).map(([, block]) => blockText(block))
      const { content: _, ...rest } = message
      return `${JSON.stringify(rest).slice(0, -1)},"content":[${content.join(',')}]}`
    },
  }
}

/** Deltas carry pieces of text under the name of the field they belong to; a kind not known yet does so too. */
function applyDelta(block: Block | undefined, { type, ...delta }: Json) {
  if (!block) return
  if (type === 'input_json_delta') {
    block.input += String(delta['partial_json'] ?? '')
  } else if (type === 'citations_delta') {
    const before = block.fields['citations']
    block.fields['citations'] = [...(Array.isArray(before) ? before : []), delta['citation']]
  } else {
    for (const [name, value] of Object.entries(delta)) {
      const before = block.fields[name]
      block.fields[name] = typeof value === 'string' && typeof before === 'string' ? before + value : value
    }
  }
}

function blockText({ fields, input }: Block): string {
  if (input === '') return JSON.stringify(fields)
  const { input: _, ...rest } = fields
  return `${JSON.stringify(rest).slice(0, -1)},"input":${input}}`
}

const decoder = new TextDecoder()

function parsed(data: Uint8Array): Json {
  try {
    return object(JSON.parse(decoder.decode(data)))
  } catch (cause) {
    throw new GatewayError('api_error', 'The upstream sent an event that cannot be read.', { cause })
  }
}

function object(value: unknown): Json {
  return typeof value === 'object' && value !== null ? (value as Json) : {}
}
