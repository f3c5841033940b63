/** Event streams for tests, as AWS makes them, and what they say. */
import { EventStreamCodec } from '@smithy/eventstream-codec'
import { frameDecoder } from '../../src/protocol/eventstream.ts'

const toUtf8 = (bytes: Uint8Array | string) =>
  typeof bytes === 'string' ? bytes : new TextDecoder().decode(bytes)
export const codec = new EventStreamCodec(toUtf8, (text) => new TextEncoder().encode(text))
const fromHex = (hex: string) => Uint8Array.from(Buffer.from(hex, 'hex'))

/** AWS's own test vectors, and frames as Bedrock sends them, made with AWS's codec. */
export const EMPTY = fromHex('000000100000000005c248eb7d98c8ff')
export const PAYLOAD_ONLY = fromHex('0000001d00000000fd528c5a7b27666f6f273a27626172277dc3653936')
export const CHUNK = fromHex(
  '000000940000004ba0aac6a10b3a6576656e742d747970650700056368756e6b0d3a636f6e74656e742d747970650700106170706c69636174696f6e2f6a736f6e0d3a6d6573736167652d747970650700056576656e747b226279746573223a2265794a306558426c496a6f696257567a6332466e5a56397a64473977496e303d222c2270223a22616263646566227dcb26c508',
)
export const THROTTLE = fromHex(
  '000000b0000000614f5086b30f3a657863657074696f6e2d747970650700137468726f74746c696e67457863657074696f6e0d3a636f6e74656e742d747970650700106170706c69636174696f6e2f6a736f6e0d3a6d6573736167652d74797065070009657863657074696f6e7b226d657373616765223a22546f6f206d616e7920746f6b656e732c20706c656173652077616974206265666f726520747279696e6720616761696e2e227df70ae57f',
)
export const ALL_HEADERS = codec.encode({
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
export const STREAM = Buffer.concat([CHUNK, EMPTY, ALL_HEADERS, PAYLOAD_ONLY, CHUNK, THROTTLE])

interface Told {
  headers: [string, string][]
  payload: string
}

export function decode(parts: readonly Uint8Array[]): Told[] {
  const decoder = frameDecoder()
  const frames: Told[] = []
  for (const part of parts)
    decoder.push(part, (headers, bytes, start, end) => {
      frames.push({ headers: [...headers], payload: Buffer.from(bytes.subarray(start, end)).toString('hex') })
    })
  decoder.end()
  return frames
}

export const WHOLE = decode([STREAM])
