import { crc32 } from 'node:zlib'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { GatewayError } from '../../src/errors.ts'
import { frameDecoder } from '../../src/protocol/eventstream.ts'
import { ALL_HEADERS, CHUNK, decode, EMPTY, PAYLOAD_ONLY, STREAM, THROTTLE, WHOLE } from './frames.ts'

describe('frames', () => {
  test('what AWS encodes is read back: headers of every type, payload', () => {
    expect(WHOLE).toHaveLength(6)
    expect(WHOLE[0]?.headers).toEqual([
      [':event-type', 'chunk'],
      [':content-type', 'application/json'],
      [':message-type', 'event'],
    ])
    expect(Buffer.from(WHOLE[0]?.payload ?? '', 'hex').toString()).toBe(
      '{"bytes":"eyJ0eXBlIjoibWVzc2FnZV9zdG9wIn0=","p":"abcdef"}',
    )
    expect(WHOLE[1]).toEqual({ headers: [], payload: '' })
    expect(WHOLE[2]?.headers).toEqual([
      [':message-type', 'event'],
      ['last', 'é'],
    ])
    expect(WHOLE[5]?.headers).toContainEqual([':exception-type', 'throttlingException'])
  })

  test('a stream cut at any byte gives the same frames', () => {
    const whole = JSON.stringify(WHOLE)
    for (let cut = 0; cut <= STREAM.length; cut++) {
      expect(JSON.stringify(decode([STREAM.subarray(0, cut), STREAM.subarray(cut)])), `cut at ${cut}`).toBe(
        whole,
      )
    }
  })

  test('a stream in single bytes, or in pieces of any size, gives the same frames', () => {
    expect(decode([...STREAM].map((byte) => Uint8Array.of(byte)))).toEqual(WHOLE)
    fc.assert(
      fc.property(fc.array(fc.nat(STREAM.length), { maxLength: 20 }), (cuts) => {
        const at = [0, ...cuts.toSorted((a, b) => a - b), STREAM.length]
        expect(decode(at.slice(1).map((end, index) => STREAM.subarray(at[index], end)))).toEqual(WHOLE)
      }),
    )
  })

  test('a stream that ends inside a frame is an error, wherever', () => {
    const ends = new Set([0])
    for (const part of [CHUNK, EMPTY, ALL_HEADERS, PAYLOAD_ONLY, CHUNK, THROTTLE])
      ends.add(Math.max(...ends) + part.length)
    for (let end = 0; end < STREAM.length; end++) {
      if (ends.has(end)) expect(() => decode([STREAM.subarray(0, end)])).not.toThrow()
      else expect(() => decode([STREAM.subarray(0, end)])).toThrow('bytes into a frame')
    }
  })

  test('any single damaged byte is noticed', () => {
    for (let at = 0; at < STREAM.length; at++) {
      const damaged = Uint8Array.from(STREAM)
      damaged[at] = (damaged[at] ?? 0) ^ (1 << (at % 8))
      expect(() => decode([damaged])).toThrow(GatewayError)
    }
  })

  test('a frame that claims more than the specification allows is refused before it is waited for', () => {
    const claims = (length: number, headers: number) => {
      const prelude = Buffer.alloc(12)
      prelude.writeUInt32BE(length, 0)
      prelude.writeUInt32BE(headers, 4)
      prelude.writeUInt32BE(crc32(prelude.subarray(0, 8)), 8)
      return () => frameDecoder().push(prelude, () => {})
    }
    expect(claims(0x7fffffff, 0)).toThrow('claims 2147483647 bytes')
    expect(claims(15, 0)).toThrow('claims 15 bytes')
    expect(claims(100, 85)).toThrow('with 85 of headers')
    expect(claims(16, 0)).not.toThrow()
  })
})
