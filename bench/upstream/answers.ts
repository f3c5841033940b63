/** The answers of the benchmark's upstream, put together before anybody asks: head, frames and checksums. */
import { converseAnswer, converseFrames, invokeAnswer, invokeFrames } from './frames.ts'

/** How streams are answered. */
export interface Manner {
  events: number
  /** Milliseconds from the first event to the last; 0: all in one write. */
  over: number
  /** Nothing follows the first two events. */
  silent?: boolean
}

interface Wire {
  /** In one piece. */
  whole: Buffer
  /** Head and first frame, then a frame each, each in an HTTP chunk of its own as Bedrock sends them. */
  pieces: Buffer[]
  /** All pieces of a stream. */
  burst: Buffer
}

export type Operation = 'invoke' | 'invoke-with-response-stream' | 'converse' | 'converse-stream'

export interface Answers {
  manner: Manner
  of(operation: Operation): Wire
}

export function answersIn(manner: Manner): Answers {
  const invoke = wire(invokeAnswer(), invokeFrames(manner.events))
  const converse = wire(converseAnswer(), converseFrames(manner.events))
  return { manner, of: (operation) => (operation.startsWith('invoke') ? invoke : converse) }
}

const IN_ONE_PIECE = 'HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n'
const STREAMED =
  'HTTP/1.1 200 OK\r\ncontent-type: application/vnd.amazon.eventstream\r\ntransfer-encoding: chunked\r\n\r\n'
const LAST_CHUNK = Buffer.from('0\r\n\r\n')

function wire(answer: string, frames: readonly Buffer[]): Wire {
  const chunks = frames.map((frame) =>
    Buffer.concat([Buffer.from(`${frame.length.toString(16)}\r\n`), frame, Buffer.from('\r\n')]),
  )
  const [first = LAST_CHUNK, ...others] = chunks
  const last = others.pop() ?? LAST_CHUNK
  const pieces = [Buffer.concat([Buffer.from(STREAMED), first]), ...others, Buffer.concat([last, LAST_CHUNK])]
  return {
    whole: Buffer.from(`${IN_ONE_PIECE}content-length: ${Buffer.byteLength(answer)}\r\n\r\n${answer}`),
    pieces,
    burst: Buffer.concat(pieces),
  }
}
