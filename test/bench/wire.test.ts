/** What the benchmark reads of HTTP and of streams, however the bytes are cut. */
import { expect, test } from 'vitest'
import { counterFor } from '../../bench/generator/events.ts'
import { converseFrames, invokeFrames } from '../../bench/upstream/frames.ts'
import { httpReader } from '../../bench/wire.ts'

const ANSWERS =
  'HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello' +
  'HTTP/1.1 529 Overloaded\r\ncontent-length: 0\r\n\r\n' +
  'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\na\r\n0123456789\r\n0\r\n\r\n'

test('answers by length, empty ones and those in chunks are told apart, cut at every byte', () => {
  for (let cut = 0; cut <= ANSWERS.length; cut++) {
    const heard: string[] = []
    const read = httpReader({
      head: (head) => heard.push(`${head.slice(9, 12)}:`),
      body: (piece) => heard.push(piece.toString()),
      end: () => heard.push(';'),
    })
    read(Buffer.from(ANSWERS.slice(0, cut)))
    read(Buffer.from(ANSWERS.slice(cut)))
    expect(heard.join('')).toBe('200:hello;529:;200:abc0123456789;')
  }
})

test('an answer without a length goes on until the connection ends', () => {
  const heard: string[] = []
  const read = httpReader({
    head: () => heard.push('head'),
    body: (piece) => heard.push(piece.toString()),
    end: () => heard.push('end'),
  })
  read(Buffer.from('HTTP/1.1 200 OK\r\n\r\nHTTP'))
  read(Buffer.from('/1.1\r\n\r\n'))
  expect(heard).toEqual(['head', 'HTTP', '/1.1\r\n\r\n'])
})

const STREAMS = [
  ['application/vnd.amazon.eventstream', Buffer.concat(invokeFrames(9)), 9],
  ['application/vnd.amazon.eventstream', Buffer.concat(converseFrames(9)), 8],
  ['text/event-stream', Buffer.from('event: a\ndata: {}\n\n\n\nevent: message_stop\ndata: 2\n\n'), 3],
] as const

for (const [type, stream, events] of STREAMS) {
  test(`${events} events of ${type} are counted as soon as they are complete, cut at every byte`, () => {
    for (let cut = 0; cut < stream.length; cut++) {
      const counter = counterFor(type)
      const first = counter.push(stream.subarray(0, cut))
      expect(first).toBeLessThan(events)
      expect(first + counter.push(stream.subarray(cut))).toBe(events)
      expect(counter.isWhole()).toBe(true)
    }
  })
}

test('a stream that breaks off is not whole', () => {
  const [, frames] = STREAMS[0]
  const counter = counterFor(STREAMS[0][0])
  counter.push(frames.subarray(0, frames.length - 1))
  expect(counter.isWhole()).toBe(false)
  const sse = counterFor('text/event-stream')
  sse.push(Buffer.from('event: message_start\ndata: {}\n\n'))
  expect(sse.isWhole()).toBe(false)
})
