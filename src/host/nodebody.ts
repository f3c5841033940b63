/**
 * A request's body as Node hands it out, piece by piece, copied once: as a Request's it is joined, cleared room is made
 * for it, and it is copied again, 25 microseconds for 100 KB.
 */
import type { IncomingMessage } from 'node:http'
import type { Bytes } from '../protocol/bytes.ts'

/**
 * The body, of that length as its header says: Node's parser lets through no more. A Buffer, for it is searched by
 * `memchr`: 1.3 microseconds in 100 KB for a quote, where a plain array takes 34. Rejects where it does not arrive whole.
 */
export function bodyOf(incoming: IncomingMessage, length: number): Promise<Bytes> {
  if (incoming.destroyed) return Promise.reject(new Error('the client has gone'))
  return new Promise((resolve, reject) => {
    // Memory of its own, not of the pool that small buffers share; none of it is taken before something is written.
    let body: Buffer<ArrayBuffer> | undefined = Buffer.allocUnsafeSlow(length)
    let at = 0
    incoming.on('data', (piece: Buffer) => {
      if (body) at += piece.copy(body, at)
    })
    incoming.on('end', () => {
      if (body && at === length) resolve(body)
      body = undefined // the request, and all that listens to it, stays for as long as its answer
    })
    incoming.on('error', reject)
    incoming.on('close', () => {
      if (body) reject(new Error('the client has gone')) // with its stack, 14 microseconds
    })
  })
}
