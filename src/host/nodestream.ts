/**
 * What is said to a client, written straight to Node's response. Over a ReadableStream it would cost 18 microseconds to
 * make one on Node 20, and two promises and a request object for each read; and the server would keep six frames and
 * their promises for as long as the stream is open, 3 KB of a silent one.
 */
import { ServerResponse } from 'node:http'
import type { Speech } from '../gateway/speech.ts'
import type { Bytes } from '../protocol/bytes.ts'

/**
 * A body for the one Response that answers on `response`, and is sent as it is: whoever wants to read, clone or change
 * one needs the standard's stream.
 */
export function spokenTo(response: ServerResponse, speech: Speech): ReadableStream<Bytes> {
  response.flushHeaders = notYet
  const served = {
    locked: false,
    cancel: async () => speech.cancel(),
    getReader() {
      speak(response, speech)
      return LET_GO
    },
  }
  return served as unknown as ReadableStream<Bytes>
}

/** To the server it is over at once, so that it lets go of all that stands around it. */
const LET_GO = {
  closed: Promise.resolve(undefined),
  read: () => new Promise(() => {}), // it is not told: what is said does not pass through it
  cancel: async () => {},
}

/**
 * The server sends the headers by themselves before it asks for the body. What is to be said first is mostly there by
 * then: the two in one write are a system call and a packet less.
 */
function notYet() {}

function speak(response: ServerResponse, speech: Speech) {
  if (response.destroyed) return speech.cancel()
  const more = () => void speech.next().then(said, broke)
  const said = (bytes: Bytes | undefined) => {
    if (!bytes) response.end()
    else if (response.write(bytes)) more()
    else response.once('drain', more)
  }
  const broke = (error: Error) => void response.destroy(error)
  const leave = () => speech.cancel() // nothing to an answer that was said to its end
  response.on('close', leave).on('error', leave)
  more()
  process.nextTick(headersAtLast, response) // after all that needs not be waited for
}

/** Of no effect where they went with the first words. */
function headersAtLast(response: ServerResponse) {
  if (response.writable) ServerResponse.prototype.flushHeaders.call(response)
}
