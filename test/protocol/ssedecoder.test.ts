import { describe, expect, test } from 'vitest'
import { GatewayError } from '../../src/errors.ts'
import { sseDecoder } from '../../src/protocol/ssedecoder.ts'
import { readEvents } from '../../src/protocol/streams.ts'

const encoder = new TextEncoder()
const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes)

function decoderFor(instead?: string) {
  return sseDecoder({
    told: 'claude-mine',
    ...(instead === undefined ? {} : { instead }),
    failure: (data) => new GatewayError('overloaded_error', text(data)),
  })
}

/** What comes out of these pieces, as `type data` lines. */
function decoded(pieces: Uint8Array[], decoder = decoderFor()): string[] {
  const out: string[] = []
  for (const piece of pieces) {
    decoder.push(piece, ({ type, data }) => void out.push(`${type} ${text(data)}`))
  }
  decoder.end()
  return out
}
const read = (stream: string) => decoded([encoder.encode(stream)])

const STREAM = [
  'event: message_start\ndata: {"type":"message_start","message":{"id":"msg_1","model":"upstream-name","usage":{}}}\n\n',
  ': a comment\n\n',
  'event: ping\ndata: {"type": "ping"}\n\n',
  'event: content_block_delta\r\ndata: {"type":"content_block_delta","delta":{"text":"häß 🦫 \\n"}}\r\n\r\n',
  'data: {"type":"content_block_stop","index":0}\r\r',
  'id: 7\nretry: 10\nevent: message_delta\ndata:{"type":"message_delta",\ndata: "delta":{}}\n\n',
  'event: message_stop\ndata: {"type":"message_stop","amazon-bedrock-invocationMetrics":{"inputTokenCount":1}}\n\n',
].join('')

const EVENTS = [
  'message_start {"type":"message_start","message":{"id":"msg_1","model":"claude-mine","usage":{}}}',
  'content_block_delta {"type":"content_block_delta","delta":{"text":"häß 🦫 \\n"}}',
  'content_block_stop {"type":"content_block_stop","index":0}',
  'message_delta {"type":"message_delta", "delta":{}} ',
  'message_stop {"type":"message_stop"}',
]

describe('a stream of server-sent events', () => {
  test('is read with any line ends, comments, several data lines, and no event line', () => {
    expect(read(STREAM)).toEqual(EVENTS)
  })

  test('may be cut in two at any byte', () => {
    const bytes = encoder.encode(STREAM)
    for (let cut = 0; cut <= bytes.length; cut++) {
      expect(decoded([bytes.slice(0, cut), bytes.slice(cut)]), `cut at ${cut}`).toEqual(EVENTS)
    }
  })

  test('may come byte by byte, with empty reads between', () => {
    const bytes = [...encoder.encode(STREAM)].flatMap((byte) => [Uint8Array.of(byte), new Uint8Array()])
    expect(decoded(bytes)).toEqual(EVENTS)
  })

  test('may start with a byte order mark, cut anywhere', () => {
    const bytes = encoder.encode(`\ufeff${STREAM}`)
    for (let cut = 0; cut < 9; cut++) expect(decoded([bytes.slice(0, cut), bytes.slice(cut)])).toEqual(EVENTS)
  })

  test('that ends inside an event is broken, wherever that is', () => {
    const last = encoder.encode('event: message_stop\ndata: {"type":"message_stop"}\n\n')
    for (let cut = 1; cut < last.length; cut++) {
      expect(() => decoded([last.slice(0, cut)]), `cut at ${cut}`).toThrow(/ended inside an event/)
    }
  })

  test('says an error by an event, whatever says that it is one', () => {
    const data = '{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}'
    expect(() => read(`event: error\ndata: ${data}\n\n`)).toThrow(/Overloaded/)
    expect(() => read(`data: ${data}\n\n`)).toThrow(/Overloaded/)
  })

  test('hands out nothing that has no data or no type', () => {
    expect(read('event: message_stop\n\ndata: {"x":1}\n\ndata: {"type":"ping"}\n\n:\n\n\n\n')).toEqual([])
  })

  test('with data that is not JSON is broken', () => {
    expect(() => read('data: [DONE]\n\n')).toThrow(/cannot be read/)
    expect(() => read('event: message_stop\ndata: {"type"\n\n')).toThrow(/cannot be read/)
  })

  test('with a line that never ends is given up', () => {
    const decoder = decoderFor()
    const piece = new Uint8Array(8 * 1024 * 1024).fill(0x61)
    expect(() => {
      for (let count = 0; count < 5; count++) decoder.push(piece, () => {})
    }).toThrow(/too long/)
  })

  test('keeps a name of the model that is not the one that was asked for, where it is told to', () => {
    const start = 'data: {"type":"message_start","message":{"model":"other"}}\n\n'
    expect(decoded([encoder.encode(start)], decoderFor('mine'))).toEqual([
      'message_start {"type":"message_start","message":{"model":"other"}}',
    ])
    expect(decoded([encoder.encode(start.replace('other', 'mine'))], decoderFor('mine'))).toEqual([
      'message_start {"type":"message_start","message":{"model":"claude-mine"}}',
    ])
  })
})

test('what was said before a fault in the same read is passed on before the fault', async () => {
  const bytes = encoder.encode(
    `data: {"type":"content_block_stop"}\n\nevent: error\ndata: {"type":"error"}\n\n`,
  )
  const events = readEvents(new Response(bytes).body as ReadableStream<Uint8Array>, decoderFor(), () => {})
  expect((await events.next())?.map(({ type }) => type)).toEqual(['content_block_stop'])
  await expect(events.next()).rejects.toMatchObject({ type: 'overloaded_error' })
  await expect(events.next()).rejects.toMatchObject({ type: 'overloaded_error' })
})
