/** Deltas decoded where they are said from: the same events, and the same bytes to the client, however they come. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { toBase64 } from '../../src/protocol/base64.ts'
import { encodeFrame } from '../../src/protocol/eventstream.ts'
import type { StreamEvent } from '../../src/protocol/messages.ts'
import { frames } from '../../src/protocol/sse.ts'
import { bedrockDecoder } from '../../src/providers/bedrock/decode.ts'

const ABOUT = { model: 'claude-sonnet-5-5', upstream: 'bedrock' } as Parameters<typeof bedrockDecoder>[0]
const bytes = (text: string) => new TextEncoder().encode(text)

const text = fc.oneof(fc.string(), fc.string({ unit: 'binary' }), fc.constantFrom('', '\n', '"', '\u2028'))
const delta = fc.record({
  type: fc.constant('content_block_delta'),
  index: fc.nat(20),
  delta: fc.record({ type: fc.constant('text_delta'), text }),
})
const another = fc.constantFrom<object>(
  { type: 'content_block_stop', index: 0 },
  { type: 'content_block_delta' },
  { index: 1, type: 'content_block_delta' },
  { type: 'something_new', text: 'é' },
)
/** As it is always written, and as nobody writes it: on several lines, with tabs, with spaces. */
const json = fc
  .tuple(
    fc.oneof({ weight: 4, arbitrary: delta }, another),
    fc.constantFrom('', '', '', ' ', '\t', '\n', '\r\n'),
  )
  .map(([event, space]) => JSON.stringify(event).replace(',"index"', `,${space}"index"`) + space)
const payload = fc.tuple(json, fc.constantFrom(0, 0, 0, 1, 2, 3), fc.nat(3)).map(([event, how, padding]) => {
  const value = toBase64(bytes(event))
  const p = 'abc'.slice(0, padding)
  if (how === 1) return { event, payload: `{"p":"${p}","bytes":"${value}"}` }
  if (how === 2) return { event, payload: `{ "bytes" : "${value}" }` }
  if (how === 3) return { event, payload: `{"bytes":"${value.replace(/=+$/, '')}","p":"${p}"}` }
  return { event, payload: `{"bytes":"${value}","p":"${p}"}` }
})
const HEADERS = [
  { ':event-type': 'chunk', ':content-type': 'application/json', ':message-type': 'event' },
  { ':message-type': 'event', ':event-type': 'chunk' },
  { ':message-type': 'event', ':event-type': 'initial-response' },
]
const frame = fc.tuple(payload, fc.constantFrom(0, 0, 0, 1, 2)).map(([{ event, payload }, headers]) => ({
  frame: encodeFrame(HEADERS[headers] ?? {}, bytes(payload)),
  event: headers === 2 ? undefined : event,
}))

interface Heard {
  events: StreamEvent[]
  said: string
}

function hear(wire: Uint8Array, cuts: readonly number[]): Heard {
  const decoder = bedrockDecoder(ABOUT)
  const heard: Heard = { events: [], said: '' }
  const places = [0, ...cuts.map((cut) => cut % (wire.length + 1)).toSorted((a, b) => a - b), wire.length]
  for (let at = 1; at < places.length; at++) {
    const events: StreamEvent[] = []
    decoder.push(wire.slice(places[at - 1], places[at]), (event) => void events.push(event))
    heard.events.push(...events)
    heard.said += Buffer.from(frames(events)).toString()
  }
  decoder.end()
  return heard
}

describe('the events of InvokeModel', () => {
  test('are what their base64 says, on one line, however they are written and cut', () => {
    fc.assert(
      fc.property(fc.array(frame, { maxLength: 12 }), fc.array(fc.nat(), { maxLength: 6 }), (sent, cuts) => {
        const { events, said } = hear(Buffer.concat(sent.map((each) => each.frame)), cuts)
        const expected = sent.flatMap(({ event }) => event?.replace(/[\r\n]/g, ' ') ?? [])
        expect(events.map(({ data }) => Buffer.from(data).toString())).toEqual(expected)
        const told = expected.map((data) => `event: ${JSON.parse(data).type}\ndata: ${data}\n\n`)
        expect(said).toBe(told.join(''))
      }),
    )
  })

  test('go on as they lie where nothing but deltas was read', () => {
    const event = '{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"…"}}'
    const one = encodeFrame(HEADERS[0] ?? {}, bytes(`{"bytes":"${toBase64(bytes(event))}","p":"abcdefghij"}`))
    const events: StreamEvent[] = []
    bedrockDecoder(ABOUT).push(Buffer.concat([one, one, one]), (each) => void events.push(each))
    const said = frames(events)
    expect(said.buffer).toBe(events[0]?.data.buffer)
    expect(Buffer.from(said).toString()).toBe(`event: content_block_delta\ndata: ${event}\n\n`.repeat(3))
  })

  test('are refused where they are not base64, also behind a plain beginning', () => {
    const value = toBase64(bytes('{"type":"content_block_delta","index":0}'))
    for (const broken of [`${value.slice(0, 44)}!${value.slice(45)}`, `${value.slice(0, 44)}A`]) {
      const one = encodeFrame(HEADERS[0] ?? {}, bytes(`{"bytes":"${broken}"}`))
      expect(() => bedrockDecoder(ABOUT).push(one, () => {})).toThrow('not base64')
    }
  })
})

test('an event whose memory goes on otherwise is copied', () => {
  const memory = bytes('event: ping\ndata: {}\n\nevent: pong\ndata: {}\n')
  const events = [
    { type: 'ping', data: memory.subarray(18, 20) },
    { type: 'pong', data: memory.subarray(40, 42) },
    { type: 'ping', data: memory.subarray(18, 20) },
    { type: 'ping', data: memory.subarray(0, 0) },
  ]
  const ping = 'event: ping\ndata: {}\n\n'
  expect(Buffer.from(frames(events)).toString()).toBe(
    `${ping}event: pong\ndata: {}\n\n${ping}event: ping\ndata: \n\n`,
  )
})
