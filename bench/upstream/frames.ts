/**
 * What the benchmark's upstream says, in the four forms Bedrock has: InvokeModel and Converse, each in one piece and as
 * AWS event stream. https://smithy.io/2.0/aws/amazon-eventstream.html
 */
import { crc32 } from 'node:zlib'

/** Makes a frame of 281 bytes: the size that deltas mostly have. */
const TEXT = 'The lock is taken before it is opened '
const MODEL = 'claude-sonnet-5-5'
const ID = 'msg_bdrk_01BenchBenchBenchBenchBench'
const USAGE = { input_tokens: 12, cache_read_input_tokens: 24_000, cache_creation_input_tokens: 310 }
const TEXTS_IN_ONE_PIECE = 80

/** Events around the deltas of a stream: two before them, three after. */
export const AROUND_DELTAS = 5

/** The frames of a stream of so many events, as InvokeModelWithResponseStream sends them. */
export function invokeFrames(events: number): Buffer[] {
  const usage = { ...USAGE, output_tokens: events * 10 }
  return [
    chunk({
      type: 'message_start',
      message: { ...message([]), usage: { ...USAGE, output_tokens: 1 } },
    }),
    chunk({ type: 'content_block_start', index: 0, content_block: { type: 'text', text: '' } }),
    ...deltas(events, (padding) =>
      chunk({ type: 'content_block_delta', index: 0, delta: { type: 'text_delta', text: TEXT } }, padding),
    ),
    chunk({ type: 'content_block_stop', index: 0 }),
    chunk({
      type: 'message_delta',
      delta: { stop_reason: 'end_turn', stop_sequence: null },
      usage,
    }),
    chunk({
      type: 'message_stop',
      'amazon-bedrock-invocationMetrics': {
        inputTokenCount: USAGE.input_tokens,
        outputTokenCount: usage.output_tokens,
      },
    }),
  ]
}

/** The same answer as ConverseStream sends it: its events are others, and as many but for one. */
export function converseFrames(events: number): Buffer[] {
  return [
    frame('messageStart', { role: 'assistant', p: padded(8) }),
    ...deltas(events, (padding) =>
      frame('contentBlockDelta', { contentBlockIndex: 0, delta: { text: TEXT }, p: padded(padding) }),
    ),
    frame('contentBlockStop', { contentBlockIndex: 0, p: padded(8) }),
    frame('messageStop', { stopReason: 'end_turn', p: padded(8) }),
    frame('metadata', { usage: converseUsage(events * 10), metrics: { latencyMs: 1 }, p: padded(8) }),
  ]
}

/** A Messages answer in one piece. */
export function invokeAnswer(): string {
  const text = TEXT.repeat(TEXTS_IN_ONE_PIECE)
  return JSON.stringify({
    ...message([{ type: 'text', text }]),
    stop_reason: 'end_turn',
    usage: { ...USAGE, output_tokens: 800 },
  })
}

/** The same as Converse gives it. */
export function converseAnswer(): string {
  return JSON.stringify({
    output: { message: { role: 'assistant', content: [{ text: TEXT.repeat(TEXTS_IN_ONE_PIECE) }] } },
    stopReason: 'end_turn',
    usage: converseUsage(800),
    metrics: { latencyMs: 1 },
  })
}

function message(content: object[]): object {
  const ends = { stop_reason: null, stop_sequence: null }
  return { id: ID, type: 'message', role: 'assistant', model: MODEL, content, ...ends }
}

function converseUsage(outputTokens: number): object {
  return {
    inputTokens: USAGE.input_tokens,
    outputTokens,
    totalTokens: USAGE.input_tokens + outputTokens,
    cacheReadInputTokens: USAGE.cache_read_input_tokens,
    cacheWriteInputTokens: USAGE.cache_creation_input_tokens,
  }
}

function deltas(events: number, make: (padding: number) => Buffer): Buffer[] {
  return Array.from({ length: events - AROUND_DELTAS }, (_, at) => make(at % PADDING.length))
}

/** Bedrock pads its events, so that their length does not tell what they say. */
const PADDING = 'abcdefghijklmnopqrstuvwxyz01'

function padded(length: number): string {
  return PADDING.slice(0, length)
}

/** One Messages event, as InvokeModelWithResponseStream wraps it. */
function chunk(event: object, padding = 8): Buffer {
  const bytes = Buffer.from(JSON.stringify(event)).toString('base64')
  return frame('chunk', { bytes, p: padded(padding) })
}

const PRELUDE = 12
const CRC = 4

function frame(type: string, said: object): Buffer {
  const headers = Buffer.concat([
    header(':event-type', type),
    header(':content-type', 'application/json'),
    header(':message-type', 'event'),
  ])
  const payload = Buffer.from(JSON.stringify(said))
  const bytes = Buffer.alloc(PRELUDE + headers.length + payload.length + CRC)
  bytes.writeUInt32BE(bytes.length, 0)
  bytes.writeUInt32BE(headers.length, 4)
  bytes.writeUInt32BE(crc32(bytes.subarray(0, 8)), 8)
  headers.copy(bytes, PRELUDE)
  payload.copy(bytes, PRELUDE + headers.length)
  bytes.writeUInt32BE(crc32(bytes.subarray(0, -CRC)), bytes.length - CRC)
  return bytes
}

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
