/** A body as undici hands it out, as the stream that a Response takes. */
import type { Readable } from 'node:stream'
import type { Bytes } from '../protocol/bytes.ts'

/** Pulled, one read a chunk, nothing read ahead. */
export function asWebStream(body: Readable): ReadableStream<Bytes> {
  body.on('error', () => {}) // whoever reads hears of it; unread, it would end the process
  const chunks: AsyncIterator<Bytes> = body[Symbol.asyncIterator]()
  return new ReadableStream(
    {
      async pull(controller) {
        const { done, value } = await chunks.next()
        if (done) controller.close()
        else controller.enqueue(value)
      },
      cancel: () => void body.destroy(),
    },
    { highWaterMark: 0 },
  )
}
