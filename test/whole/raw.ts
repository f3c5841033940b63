/** A client that speaks bytes: for what no HTTP client can be made to send. */
import { connect, type Socket } from 'node:net'
import type { Answer } from './caller.ts'

export interface RawAnswer extends Answer {
  /** What stands between the status and the end of its line. */
  reason: string
  /** How many bytes had been handed to the system when the answer came. */
  sent: number
  /** Everything that was received. */
  bytes: Buffer
}

/** Bytes to send, all at once or a piece at a time. */
export type Sending = string | Buffer | Iterable<Buffer>

const PATIENCE = 10_000

/**
 * Sends to a loopback port until there is an answer; resolves with the first one, whole. An answer without a length
 * ends with the connection.
 */
export function raw(port: number, sending: Sending): Promise<RawAnswer> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1')
    const received: Buffer[] = []
    let sent = 0
    const over = (closed: boolean) => {
      const answer = answerIn(Buffer.concat(received), closed, sent)
      if (!answer && !closed) return
      clearTimeout(timer)
      socket.destroy()
      if (answer) resolve(answer)
      else reject(new Error(`No answer, but ${JSON.stringify(Buffer.concat(received).toString('latin1'))}`))
    }
    const timer = setTimeout(() => over(true), PATIENCE)
    socket.on('data', (piece) => {
      received.push(piece)
      over(false)
    })
    socket.once('close', () => over(true))
    socket.once('error', () => {}) // a reset after the answer is no matter; before it, `close` tells
    const counted = (count: number) => {
      sent += count
    }
    socket.once('connect', () => void send(socket, sending, counted, () => received.length > 0))
  })
}

async function send(
  socket: Socket,
  sending: Sending,
  counted: (count: number) => void,
  answered: () => boolean,
) {
  const pieces = typeof sending === 'string' || Buffer.isBuffer(sending) ? [Buffer.from(sending)] : sending
  for (const piece of pieces) {
    if (answered() || !socket.writable) return
    counted(piece.length)
    await new Promise((resolve) => {
      socket.once('close', resolve)
      socket.write(piece, (error) => {
        socket.off('close', resolve)
        resolve(error)
      })
    })
  }
}

function answerIn(bytes: Buffer, closed: boolean, sent: number): RawAnswer | undefined {
  const headEnd = bytes.indexOf('\r\n\r\n')
  if (headEnd < 0) return undefined
  const [statusLine = '', ...lines] = bytes.subarray(0, headEnd).toString('latin1').split('\r\n')
  const [, status = '', reason = ''] = /^HTTP\/1\.1 (\d{3}) ?(.*)$/.exec(statusLine) ?? []
  const headers = new Headers(lines.map((line) => pairIn(line)))
  const body = bodyIn(bytes.subarray(headEnd + 4), headers, closed)
  if (body === undefined) return undefined
  return { status: Number(status), reason, headers, sent, bytes, text: async () => body.toString() }
}

function pairIn(line: string): [string, string] {
  const colon = line.indexOf(':')
  return [line.slice(0, colon), line.slice(colon + 1).trim()]
}

/** Undefined while it is not whole. */
function bodyIn(rest: Buffer, headers: Headers, closed: boolean): Buffer | undefined {
  const length = headers.get('content-length')
  if (length !== null) return rest.length >= Number(length) ? rest.subarray(0, Number(length)) : undefined
  if (headers.get('transfer-encoding') !== 'chunked') return closed ? rest : undefined
  const parts: Buffer[] = []
  for (let at = 0; ; ) {
    const lineEnd = rest.indexOf('\r\n', at)
    if (lineEnd < 0) return undefined
    const size = Number.parseInt(rest.subarray(at, lineEnd).toString(), 16)
    if (size === 0) return Buffer.concat(parts)
    if (rest.length < lineEnd + 2 + size + 2) return undefined
    parts.push(rest.subarray(lineEnd + 2, lineEnd + 2 + size))
    at = lineEnd + 2 + size + 2
  }
}

/** The head of a request, with the headers every request has. */
export function head(target: string, headers: readonly string[] = [], method = 'POST'): string {
  return [`${method} ${target} HTTP/1.1`, 'host: localhost', ...headers, '', ''].join('\r\n')
}

/** Whether nobody listens there any more. */
export function refuses(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1')
    socket.once('connect', () => {
      socket.destroy()
      resolve(false)
    })
    socket.once('error', () => resolve(true))
  })
}
