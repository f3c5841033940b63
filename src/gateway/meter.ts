/**
 * Reply in, response bytes out, with a promise of how it ended. Bytes go out as they come: pings fill silences, and
 * a stream that breaks says so in its last event.
 */

import type { LimitsConfig } from '../config.ts'
import { asGatewayError, GatewayError } from '../errors.ts'
import type { Bytes } from '../protocol/bytes.ts'
import type { Call } from '../protocol/messages.ts'
import { generationOf } from '../protocol/models.ts'
import type { Events } from '../protocol/streams.ts'
import type { Route } from '../providers/provider.ts'
import type { Stopping } from '../runtime.ts'
import type { Taken } from './dispatch.ts'
import { outOfTime } from './outlive.ts'
import { type SilenceWatch, silenceWatch } from './silence.ts'
import { type Tally, tallier } from './tally.ts'
import type { Voice } from './voice.ts'

/** How an answer ended, for the ledger. Times in milliseconds since 1970; the first byte is the upstream's. */
export interface Ending extends Tally {
  status: 'succeeded' | 'failed_midstream' | 'cancelled'
  error: GatewayError | undefined
  firstByteAt: number
  endedAt: number
}

export interface Metered {
  /** The stream, or the whole. Rejects with a GatewayError where an answer in one piece fails. */
  body: Promise<Bytes | ReadableStream<Bytes>>
  contentType: string
  /** Never rejects. */
  ending: Promise<Ending>
}

interface Lent {
  now(): number
  limits: LimitsConfig
  stopping?: Stopping | undefined
}

export function meter({ events, route }: Taken, call: Call, voice: Voice, lent: Lent): Metered {
  const { now, limits } = lent
  const silence = silenceWatch({
    now,
    pingAfter: call.stream ? limits.pingAfter : limits.wholeAfter,
    idleAfter: thinksUnseen(route) ? limits.thinkingIdleAfter : limits.idleAfter,
    totalAfter: limits.totalAfter,
  })
  const { body, ending } = said(events, call.signal, voice, silence, lent)
  return {
    body: call.stream ? Promise.resolve(body) : onceItSpeaks(body),
    contentType: voice.contentType,
    ending,
  }
}

/** Bedrock sends no pings, and since 4.6 a model may think at length without a word of it in the stream. */
function thinksUnseen({ model }: Route): boolean {
  return generationOf(model) >= 4.6
}

function said(
  events: Events,
  signal: AbortSignal,
  voice: Voice,
  silence: SilenceWatch,
  { now, stopping }: Lent,
) {
  const seen = tallier()
  let firstByteAt: number | undefined
  let settle: (ending: Ending) => void
  const ending = new Promise<Ending>((resolve) => {
    settle = resolve
  })
  let isSettled = false
  let over = false
  let outlive: (() => void) | undefined

  function conclude(status: Ending['status'], error?: GatewayError) {
    if (isSettled) return
    isSettled = true
    settle({ ...seen.tally(), status, error, firstByteAt: firstByteAt ?? now(), endedAt: now() })
  }

  function end(status: Ending['status'], error?: GatewayError) {
    over = true
    silence.stop()
    outlive?.()
    conclude(status, error)
    events.cancel()
  }

  /** After `message_stop` nothing that goes wrong can matter to the client. */
  function finish(controller: ReadableStreamDefaultController<Bytes>, failure?: unknown) {
    if (over) return
    const error = seen.isComplete() ? undefined : failure === undefined ? cutShort() : asGatewayError(failure)
    if (error && signal.aborted)
      end('cancelled') // what then breaks is no error: nobody is there
    else end(error ? 'failed_midstream' : 'succeeded', error)
    const last = error ? voice.failure(error) : voice.end()
    if (error && !last) return controller.error(error)
    if (last) controller.enqueue(last)
    controller.close()
  }

  const body = new ReadableStream<Bytes>(
    {
      start(controller) {
        silence.start({
          ping: () => controller.enqueue(voice.ping),
          giveUp: () => finish(controller, fellSilent()),
        })
        outlive = stopping?.whenOver(() => finish(controller, outOfTime()))
      },
      async pull(controller) {
        silence.waits()
        try {
          for (;;) {
            const batch = await events.next()
            if (over) return
            silence.heard()
            if (!batch) return finish(controller)
            firstByteAt ??= now()
            seen.see(batch)
            // Before the last bytes go out: an answer that was read to its end is in the books, whatever comes next.
            if (seen.isComplete()) conclude('succeeded')
            const bytes = voice.say(batch)
            if (!bytes) continue
            controller.enqueue(bytes)
            return silence.rests()
          }
        } catch (error) {
          finish(controller, error)
        }
      },
      cancel() {
        if (!over) end(seen.isComplete() ? 'succeeded' : 'cancelled')
      },
    },
    { highWaterMark: 0 },
  )
  return { body, ending }
}

/** Waits for the whole, so that a failure can still be a status; when that takes too long, for the first sign of life. */
async function onceItSpeaks(body: ReadableStream<Bytes>): Promise<Bytes | ReadableStream<Bytes>> {
  const reader = body.getReader()
  const { value: first = new Uint8Array() } = await reader.read()
  if (first[0] === OPEN_OBJECT) return first
  let held: Bytes | undefined = first
  return new ReadableStream<Bytes>(
    {
      async pull(controller) {
        const chunk = held ?? (await reader.read()).value
        held = undefined
        if (chunk) controller.enqueue(chunk)
        else controller.close()
      },
      cancel: () => reader.cancel(),
    },
    { highWaterMark: 0 },
  )
}

const OPEN_OBJECT = 0x7b

function cutShort(): GatewayError {
  return new GatewayError('api_error', 'The upstream ended its answer before it was complete.')
}

function fellSilent(): GatewayError {
  return new GatewayError('timeout_error', 'The upstream fell silent before its answer was complete.')
}
