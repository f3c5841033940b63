/**
 * Reply in, response bytes out, with a promise of how it ended. Bytes go out as they come: pings fill silences, and
 * a stream that breaks says so in its last event.
 */

import type { LimitsConfig } from '../config.ts'
import { asGatewayError, GatewayError } from '../errors.ts'
import type { Bytes } from '../protocol/bytes.ts'
import { type Call, type StreamEvent, usageFrom } from '../protocol/messages.ts'
import { errorFrame, frames, PING } from '../protocol/sse.ts'
import type { Events } from '../protocol/streams.ts'
import type { Reply } from '../providers/provider.ts'
import { silenceWatch } from './silence.ts'
import { type Tally, tallier } from './tally.ts'

/** How an answer ended, for the ledger. Times in milliseconds since 1970. */
export interface Ending extends Tally {
  status: 'succeeded' | 'failed_midstream' | 'cancelled'
  error: GatewayError | undefined
  firstByteAt: number
  endedAt: number
}

export interface Metered {
  body: Bytes | ReadableStream<Uint8Array>
  contentType: string
  /** Never rejects. */
  ending: Promise<Ending>
}

interface Lent {
  now(): number
  limits: LimitsConfig
}

export function meter(reply: Reply, call: Call, lent: Lent): Metered {
  if (reply.kind === 'stream') return meterStream(reply.events, call, lent)
  const { body, usage, stopReason } = reply.message
  const now = lent.now()
  const ending: Ending = {
    status: 'succeeded',
    source: 'final',
    usage: usageFrom(usage),
    stopReason,
    complete: true,
    error: undefined,
    firstByteAt: now,
    endedAt: now,
  }
  return { body, contentType: 'application/json', ending: Promise.resolve(ending) }
}

function meterStream(events: Events, call: Call, lent: Lent): Metered {
  const seen = tallier()
  const silence = silenceWatch(lent)
  const firstByteAt = lent.now()
  let settle: (ending: Ending) => void
  const ending = new Promise<Ending>((resolve) => {
    settle = resolve
  })
  let over = false

  function end(status: Ending['status'], error?: GatewayError) {
    over = true
    silence.stop()
    settle({ ...seen.tally(), status, error, firstByteAt, endedAt: lent.now() })
  }

  /** After `message_stop` nothing that goes wrong can matter to the client. */
  function finish(controller: ReadableStreamDefaultController<Uint8Array>, failure?: unknown) {
    if (over) return
    if (seen.tally().complete) {
      end('succeeded')
    } else {
      const error = failure === undefined ? cutShort() : asGatewayError(failure)
      end('failed_midstream', error)
      controller.enqueue(errorFrame(error, call.id))
    }
    controller.close()
    events.cancel()
  }

  const body = new ReadableStream<Uint8Array>(
    {
      start(controller) {
        silence.start({
          ping: () => controller.enqueue(PING),
          giveUp: () => finish(controller, fellSilent()),
        })
      },
      async pull(controller) {
        silence.begins()
        try {
          const batch = await events.next()
          silence.ends()
          if (over) return
          if (!batch) return finish(controller)
          for (const part of partedAtError(batch)) {
            seen.see(part)
            controller.enqueue(frames(part))
          }
        } catch (error) {
          finish(controller, error)
        }
      },
      cancel() {
        if (over) return
        end(seen.tally().complete ? 'succeeded' : 'cancelled')
        events.cancel()
      },
    },
    { highWaterMark: 0 },
  )
  return { body, contentType: 'text/event-stream; charset=utf-8', ending }
}

/** An `error` event ends the stream, but not before what came with it has gone out. */
function partedAtError(batch: StreamEvent[]): StreamEvent[][] {
  const at = batch.findIndex(({ type }) => type === 'error')
  return at > 0 ? [batch.slice(0, at), batch.slice(at)] : [batch]
}

function cutShort(): GatewayError {
  return new GatewayError('api_error', 'The upstream ended its answer before it was complete.')
}

function fellSilent(): GatewayError {
  return new GatewayError('timeout_error', 'The upstream fell silent before its answer was complete.')
}
