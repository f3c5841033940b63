/**
 * Server-sent events: bytes to Messages events. Cut anywhere by the wire; lines end in LF, CR or both.
 * https://html.spec.whatwg.org/multipage/server-sent-events.html#event-stream-interpretation
 *
 * Where the standard drops an event that the end of the stream leaves incomplete, this says that the stream is broken.
 */

import type { GatewayError } from '../errors.ts'
import { type Bytes, concat, hasAt } from './bytes.ts'
import { eventIn, type Naming, unreadable } from './events.ts'
import type { Refused } from './exchange.ts'
import type { StreamEvent } from './messages.ts'
import type { Answer } from './send.ts'
import { type EventDecoder, type Events, readEvents } from './streams.ts'
import { mediaTypeOf } from './urls.ts'

interface Told extends Naming {
  /** The error that the data of an `error` event stands for. */
  failure(data: Bytes): GatewayError
}

/**
 * The events of an answer.
 * @throws GatewayError where it is no stream: a refusal then, whatever its status says. Bedrock answers 200 to
 *   operations that it does not know.
 */
export async function sseEvents(
  response: Answer,
  abort: () => void,
  told: Told,
  refused: (response: Answer) => Promise<Refused>,
): Promise<Events> {
  const isStream = mediaTypeOf(response.headers.get('content-type')) === 'text/event-stream'
  if (!isStream || !response.body) throw (await refused(response)).error
  return readEvents(response.body, sseDecoder(told), abort)
}

/** A decoder for one answer. Upstream pings are dropped: the gateway's own clock says when the client needs one. */
export function sseDecoder(told: Told): EventDecoder {
  const lines = lineReader()
  let name = ''
  let data: Bytes[] = []

  function read(line: Uint8Array): StreamEvent | undefined {
    if (line.length === 0) return dispatch()
    const [field, value] = fieldOf(line)
    if (field === 'event') name = decoder.decode(value)
    else if (field === 'data') data.push(value.slice())
    return undefined
  }

  function dispatch(): StreamEvent | undefined {
    const [type, pieces] = [name, data]
    name = ''
    data = []
    if (pieces.length === 0 || type === 'ping') return undefined
    const whole =
      pieces.length === 1 && pieces[0] ? pieces[0] : concat(pieces.flatMap((piece) => [piece, SPACE]))
    const event = eventIn(whole, told, type === '' ? undefined : type)
    if (event?.type === 'error') throw told.failure(event.data)
    return event?.type === 'ping' ? undefined : event
  }

  return {
    push(chunk, take) {
      for (const line of lines.push(chunk)) {
        const event = read(line)
        if (event) take(event)
      }
    },
    end() {
      if (lines.isInside() || data.length > 0 || name !== '') throw unreadable('it ended inside an event')
    },
  }
}

const decoder = new TextDecoder()
/** Several data lines are one JSON text, whose line breaks mean no more than a space. */
const SPACE = new Uint8Array([0x20])
const COLON = 0x3a

/** A comment's field is the empty one. */
function fieldOf(line: Uint8Array): [field: string, value: Uint8Array] {
  const colon = line.indexOf(COLON)
  if (colon < 0) return [decoder.decode(line), line.subarray(line.length)]
  const value = line[colon + 1] === SPACE[0] ? colon + 2 : colon + 1
  return [decoder.decode(line.subarray(0, colon)), line.subarray(value)]
}

const LF = 0x0a
const CR = 0x0d
const BYTE_ORDER_MARK = new Uint8Array([0xef, 0xbb, 0xbf])
/** No event is larger than the body of a request may be. */
const MAX_LINE = 32 * 1024 * 1024

interface LineReader {
  /** The lines that these bytes complete, as views that live until the next call. */
  push(chunk: Uint8Array): Uint8Array[]
  isInside(): boolean
}

function lineReader(): LineReader {
  let parts: Uint8Array[] = []
  let held = 0
  let isFirst = true
  let afterReturn = false

  function complete(rest: Uint8Array): Uint8Array {
    const line = held === 0 ? rest : concat([...parts, rest])
    parts = []
    held = 0
    const marked = isFirst && hasAt(line, 0, BYTE_ORDER_MARK)
    isFirst = false
    return marked ? line.subarray(BYTE_ORDER_MARK.length) : line
  }

  function push(chunk: Uint8Array): Uint8Array[] {
    const lines: Uint8Array[] = []
    let at = 0
    for (const end of lineEnds(chunk)) {
      const isPair = end === at && chunk[end] === LF && (end === 0 ? afterReturn : chunk[end - 1] === CR)
      if (!isPair) lines.push(complete(chunk.subarray(at, end)))
      at = end + 1
    }
    if (chunk.length > 0) afterReturn = chunk.at(-1) === CR
    if (at < chunk.length) keep(chunk.slice(at))
    return lines
  }

  function keep(part: Uint8Array) {
    parts.push(part)
    held += part.length
    if (held > MAX_LINE) throw unreadable('a line of it is too long')
  }

  return { push, isInside: () => held > 0 }
}

/** Where carriage returns and line feeds stand. Each is looked for by itself: most streams have no returns at all. */
function* lineEnds(chunk: Uint8Array): Generator<number> {
  let feed = chunk.indexOf(LF)
  let carriage = chunk.indexOf(CR)
  while (feed >= 0 || carriage >= 0) {
    if (carriage < 0 || (feed >= 0 && feed < carriage)) {
      yield feed
      feed = chunk.indexOf(LF, feed + 1)
    } else {
      yield carriage
      carriage = chunk.indexOf(CR, carriage + 1)
    }
  }
}
