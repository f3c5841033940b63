/** Counts the events of a stream as its bytes come in, of server-sent events and of AWS event stream. */

export interface EventCounter {
  /** How many events these bytes complete. */
  push(piece: Buffer): number
  /** Whether the stream, had it ended here, would be complete. */
  isWhole(): boolean
}

export function counterFor(contentType: string): EventCounter {
  return contentType.startsWith('text/event-stream') ? sseCounter() : frameCounter()
}

const NEW_LINE = 10
/** What the last event of a Messages stream holds, and how much of the end is looked at for it. */
const LAST = 'message_stop'
const TAIL = 400

/** An empty line ends an event, and JSON has none. */
function sseCounter(): EventCounter {
  let halfEnded = false
  let tail = ''
  return {
    push(piece) {
      let events = 0
      let at = 0
      if (halfEnded && piece[0] === NEW_LINE) {
        events++
        at = 1
      }
      for (let end = piece.indexOf('\n\n', at); end >= 0; end = piece.indexOf('\n\n', at)) {
        events++
        at = end + 2
      }
      halfEnded = at < piece.length && piece[piece.length - 1] === NEW_LINE
      tail = (tail + piece.toString('latin1', Math.max(0, piece.length - TAIL))).slice(-TAIL)
      return events
    },
    isWhole: () => tail.includes(LAST),
  }
}

/** How long the number is that says how long a frame is. */
const LENGTH = 4

function frameCounter(): EventCounter {
  let missing = 0
  let length = Buffer.alloc(0)
  return {
    push(piece) {
      let events = 0
      for (let at = 0; at < piece.length; ) {
        if (missing === 0) {
          const part = piece.subarray(at, at + LENGTH - length.length)
          length = Buffer.concat([length, part])
          at += part.length
          if (length.length < LENGTH) break
          missing = length.readUInt32BE(0) - LENGTH
          length = length.subarray(0, 0)
        }
        const part = Math.min(missing, piece.length - at)
        missing -= part
        at += part
        if (missing === 0) events++
      }
      return events
    },
    isWhole: () => missing === 0 && length.length === 0,
  }
}
