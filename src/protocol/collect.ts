/**
 * A stream's events, put together to the message that the same call would have got in one piece. Tool inputs stay the
 * text they were streamed as, so that their numbers keep every digit.
 * https://docs.claude.com/en/docs/build-with-claude/streaming
 */
import { GatewayError } from '../errors.ts'
import { type Block, openBlock } from './blocks.ts'
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

const decoder = new TextDecoder()

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
