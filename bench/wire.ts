/**
 * HTTP/1.1 as both ends of the benchmark read it: heads, and bodies by their length, in chunks or until the connection
 * ends. It trusts whom it talks to, and costs a tenth of node:http. https://www.rfc-editor.org/rfc/rfc9112
 */

export interface Listener {
  /** From the first line to the last header; names as they were written. */
  head(head: string): void
  body(piece: Buffer): void
  end(): void
}

type State = 'head' | 'length' | 'size' | 'chunk' | 'after chunk' | 'trailer' | 'rest'

/** Give it what the socket gives. */
export function httpReader(listener: Listener): (piece: Buffer) => void {
  let state: State = 'head'
  let kept: Buffer | undefined
  /** Bytes of the body, or of the chunk, that are still to come. */
  let missing = 0

  function begin(head: string) {
    state = framingOf(head)
    missing = state === 'rest' ? Number.POSITIVE_INFINITY : 0
    if (state === 'length') missing = Number(/\r\ncontent-length: *(\d+)/i.exec(head)?.[1] ?? 0)
    listener.head(head)
    if (state === 'length' && missing === 0) finish()
  }
  function finish() {
    state = 'head'
    listener.end()
  }
  function take(line: string) {
    if (state === 'head') begin(line)
    else if (state === 'after chunk') state = 'size'
    else if (state === 'size') {
      missing = Number.parseInt(line, 16)
      state = missing === 0 ? 'trailer' : 'chunk'
    } else if (line === '') finish()
  }

  /** Where the body goes on behind this part of it. */
  function pass(bytes: Buffer, at: number): number {
    const part = bytes.subarray(at, at + missing)
    missing -= part.length
    listener.body(part)
    if (missing === 0 && state === 'length') finish()
    else if (missing === 0) state = 'after chunk'
    return at + part.length
  }

  return (piece) => {
    const bytes = kept ? Buffer.concat([kept, piece]) : piece
    kept = undefined
    for (let at = 0; at < bytes.length; ) {
      if (missing > 0) {
        at = pass(bytes, at)
        continue
      }
      const mark = state === 'head' ? '\r\n\r\n' : '\r\n'
      const end = bytes.indexOf(mark, at)
      if (end < 0) {
        kept = bytes.subarray(at)
        return
      }
      take(bytes.toString('latin1', at, end))
      at = end + mark.length
    }
  }
}

function framingOf(head: string): State {
  if (/\r\ntransfer-encoding: *chunked/i.test(head)) return 'size'
  const isAnswer = head.startsWith('HTTP/')
  return isAnswer && !/\r\ncontent-length:/i.test(head) ? 'rest' : 'length'
}
