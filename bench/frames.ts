/**
 * The answers of the benchmark's upstream: a short Messages answer in one piece, and the same as AWS event stream.
 * https://smithy.io/2.0/aws/amazon-eventstream.html
 */
import { crc32 } from 'node:zlib'

/** Text deltas of the streamed answer. */
const DELTAS = 40
const TEXT = 'The lock is taken before the database is opened, so a second process never sees it. '
const MODEL = 'claude-sonnet-5-5'
const USAGE = { input_tokens: 12, cache_read_input_tokens: 24_000, cache_creation_input_tokens: 310 }

/** The first frame of the streamed answer. */
export function firstFrame(id: string): Buffer {
  return chunk({
    type: 'message_start',
    message: {
      id,
      type: 'message',
      role: 'assistant',
      model: MODEL,
      content: [],
      stop_reason: null,
      stop_sequence: null,
      usage: { ...USAGE, output_tokens: 1 },
    },
  })
}

/** Every frame after the first one: they do not change. */
export function otherFrames(): Buffer {
  return Buffer.concat([
    chunk({ type: 'content_block_start', index: 0, content_block: { type: 'text', text: '' } }),
    ...Array.from({ length: DELTAS }, (_, at) =>
      chunk({ type: 'content_block_delta', index: 0, delta: { type: 'text_delta', text: TEXT } }, at % 36),
    ),
    chunk({ type: 'content_block_stop', index: 0 }),
    chunk({
      type: 'message_delta',
      delta: { stop_reason: 'end_turn', stop_sequence: null },
      usage: { ...USAGE, output_tokens: DELTAS * 20 },
    }),
    chunk({
      type: 'message_stop',
      'amazon-bedrock-invocationMetrics': { inputTokenCount: 12, outputTokenCount: DELTAS * 20 },
    }),
  ])
}

/** The same answer in one piece. */
export function wholeAnswer(id: string): string {
  return JSON.stringify({
    id,
    type: 'message',
    role: 'assistant',
    model: MODEL,
    content: [{ type: 'text', text: TEXT.repeat(DELTAS) }],
    stop_reason: 'end_turn',
    stop_sequence: null,
    usage: { ...USAGE, output_tokens: DELTAS * 20 },
  })
}

const HEADERS = Buffer.concat([
  header(':event-type', 'chunk'),
  header(':content-type', 'application/json'),
  header(':message-type', 'event'),
])

function header(name: string, value: string): Buffer {
  const length = Buffer.alloc(2)
  length.writeUInt16BE(value.length)
  return Buffer.concat([
    Buffer.from([name.length]),
    Buffer.from(name),
    Buffer.from([7]),
    length,
    Buffer.from(value),
  ])
}

const PRELUDE = 12
const CRC = 4

/** One Messages event in a `chunk` frame, padded as Bedrock pads. */
function chunk(event: object, padding = 8): Buffer {
  const bytes = Buffer.from(JSON.stringify(event)).toString('base64')
  const payload = Buffer.from(
    JSON.stringify({ bytes, p: 'abcdefghijklmnopqrstuvwxyz0123456789'.slice(0, padding) }),
  )
  const frame = Buffer.alloc(PRELUDE + HEADERS.length + payload.length + CRC)
  frame.writeUInt32BE(frame.length, 0)
  frame.writeUInt32BE(HEADERS.length, 4)
  frame.writeUInt32BE(crc32(frame.subarray(0, 8)), 8)
  HEADERS.copy(frame, PRELUDE)
  payload.copy(frame, PRELUDE + HEADERS.length)
  frame.writeUInt32BE(crc32(frame.subarray(0, -CRC)), frame.length - CRC)
  return frame
}
