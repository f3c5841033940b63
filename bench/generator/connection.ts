/** A kept connection to whoever is measured, with one request at a time on it. */
import { connect, type Socket } from 'node:net'
import { httpReader } from '../wire.ts'

export interface Hearing {
  head(status: number, contentType: string): void
  body(piece: Buffer): void
  /** `broken`: the connection ended first. */
  end(broken: boolean): void
}

export interface Connection {
  send(request: Buffer, hearing: Hearing): void
  close(): void
}

/** Opens a connection when there is something to send and none is open. */
export function connectionTo(port: number): Connection {
  let socket: Socket | undefined
  let hearing: Hearing | undefined
  let isLast = false

  function open(): Socket {
    isLast = false
    const opened = connect({ port, host: '127.0.0.1', noDelay: true })
    const read = httpReader({
      head(head) {
        isLast = /\r\nconnection: *close/i.test(head)
        const [, contentType = ''] = /\r\ncontent-type: *([^\r]*)/i.exec(head) ?? []
        hearing?.head(Number(head.slice(9, 12)), contentType)
      },
      body: (piece) => hearing?.body(piece),
      end: () => finish(opened, false),
    })
    opened
      .on('data', read)
      .on('error', () => opened.destroy())
      .on('close', () => {
        if (socket === opened) finish(opened, true)
      })
    return opened
  }

  function finish(from: Socket, broken: boolean) {
    // What refuses a request before it has read it reads no other one from there.
    if (broken || isLast || from.writableLength > 0) {
      socket = undefined
      from.destroy()
    }
    const heard = hearing
    hearing = undefined
    heard?.end(broken)
  }

  return {
    send(request, next) {
      hearing = next
      socket ??= open()
      socket.write(request)
    },
    close() {
      hearing = undefined
      socket?.destroy()
      socket = undefined
    },
  }
}
