import { crc32 } from 'node:zlib'
import { EventStreamCodec } from '@smithy/eventstream-codec'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { GatewayError } from '../../src/errors.ts'
import { type Frame, frameDecoder } from '../../src/protocol/eventstream.ts'

const toUtf8 = (bytes: Uint8Array | string) =>
  typeof bytes === 'string' ? bytes : new TextDecoder().decode(bytes)
const codec = new EventStreamCodec(toUtf8, (text) => new TextEncoder().encode(text))
const fromHex = (hex: string) => Uint8Array.from(Buffer.from(hex, 'hex'))

/** AWS's own test vectors, and frames as Bedrock sends them, made with AWS's codec. */
const EMPTY = fromHex('000000100000000005c248eb7d98c8ff')
const PAYLOAD_ONLY = fromHex('0000001d00000000fd528c5a7b27666f6f273a27626172277dc3653936')
const CHUNK = fromHex(
  '000000940000004ba0aac6a10b3a6576656e742d747970650700056368756e6b0d3a636f6e74656e742d747970650700106170706c69636174696f6e2f6a736f6e0d3a6d6573736167652d747970650700056576656e747b226279746573223a2265794a306558426c496a6f696257567a6332466e5a56397a64473977496e303d222c2270223a22616263646566227dcb26c508',
)
const THROTTLE = fromHex(
  '000000b0000000614f5086b30f3a657863657074696f6e2d747970650700137468726f74746c696e67457863657074696f6e0d3a636f6e74656e742d747970650700106170706c69636174696f6e2f6a736f6e0d3a6d6573736167652d74797065070009657863657074696f6e7b226d657373616765223a22546f6f206d616e7920746f6b656e732c20706c656173652077616974206265666f726520747279696e6720616761696e2e227df70ae57f',
)
const ALL_HEADERS = codec.encode({
  headers: {
    ':message-type': { type: 'string', value: 'event' },
    yes: { type: 'boolean', value: true },
    no: { type: 'boolean', value: false },
    byte: { type: 'byte', value: -7 },
    short: { type: 'short', value: 300 },
    integer: { type: 'integer', value: -70_000 },
    binary: { type: 'binary', value: new Uint8Array([1, 2, 3]) },
    when: { type: 'timestamp', value: new Date(8_675_309) },
    uuid: { type: 'uuid', value: '01020304-0506-0708-090a-0b0c0d0e0f10' },
    last: { type: 'string', value: 'é' },
  },
  body: new Uint8Array(3_000).fill(65),
})
const STREAM = Buffer.concat([CHUNK, EMPTY, ALL_HEADERS, PAYLOAD_ONLY, CHUNK, THROTTLE])

interface Told {
  headers: [string, string][]
  payload: string
}

function decode(parts: readonly Uint8Array[]): Told[] {
  const decoder = frameDecoder()
  const told = ({ headers, payload }: Frame) => ({
    headers: [...headers],
    payload: Buffer.from(payload).toString('hex'),
  })
  const frames = parts.flatMap((part) => [...decoder.push(part)].map(told))
  decoder.end()
  return frames
}

const WHOLE = decode([STREAM])

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
    for (let cut = 0; cut <= STREAM.length; cut++) {
      expect(decode([STREAM.subarray(0, cut), STREAM.subarray(cut)])).toEqual(WHOLE)
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
      return () => [...frameDecoder().push(prelude)]
    }
    expect(claims(0x7fffffff, 0)).toThrow('claims 2147483647 bytes')
    expect(claims(15, 0)).toThrow('claims 15 bytes')
    expect(claims(100, 85)).toThrow('with 85 of headers')
    expect(claims(16, 0)).not.toThrow()
  })
})

/**
 * Silent success is the danger: whatever comes in, either the frames are those that were sent, or there is an error.
 * Runs of FUZZ inputs each; the seed is printed by fast-check when one fails.
 */
describe('fuzzing', () => {
  const FUZZ = 50_000

  test(`${FUZZ} random inputs: no crash, no hang, no frame out of nothing`, () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 1, maxLength: 200 }), (noise) => {
        expect(() => decode([noise])).toThrow(GatewayError)
      }),
      { numRuns: FUZZ },
    )
  }, 60_000)

  test(`${FUZZ} mutated streams: the frames that were sent, or an error`, () => {
    const mutation = fc.record({
      at: fc.nat(STREAM.length - 1),
      how: fc.constantFrom('flip', 'drop', 'repeat', 'insert'),
      length: fc.integer({ min: 1, max: 40 }),
      byte: fc.nat(255),
    })
    const sent = JSON.stringify(WHOLE.map(({ payload }) => payload))
    fc.assert(
      fc.property(mutation, ({ at, how, length, byte }) => {
        const head = STREAM.subarray(0, at)
        const part = STREAM.subarray(at, at + length)
        const tail = STREAM.subarray(at + length)
        const middle = {
          flip: part.map((each) => each ^ byte),
          drop: [],
          repeat: [...part, ...part],
          insert: [byte, ...part],
        }[how]
        const mutated = Uint8Array.from([...head, ...middle, ...tail])
        try {
          const frames = decode([mutated])
          const whole = new Set(WHOLE.map(({ payload }) => payload))
          // Whole frames may be lost or repeated, and a stream that is unharmed is unharmed; nothing else may pass.
          for (const { payload } of frames) expect(whole.has(payload)).toBe(true)
          if (mutated.length === STREAM.length && how === 'flip')
            expect(JSON.stringify(frames.map(({ payload }) => payload))).toBe(sent)
        } catch (error) {
          if (!(error instanceof GatewayError)) throw error
        }
      }),
      { numRuns: FUZZ },
    )
  }, 60_000)
})
