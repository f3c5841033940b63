/**
 * Reply in, response bytes out, with a promise of how it ended. Bytes go out as they come: pings fill silences, and
 * a stream that breaks says so in its last event.
 */

import type { LimitsConfig } from '../config.ts'
import { asGatewayError, GatewayError } from '../errors.ts'
import type { Bytes } from '../protocol/bytes.ts'
import type { Halting } from '../protocol/halt.ts'
import type { Call, StreamEvent } from '../protocol/messages.ts'
import { generationOf } from '../protocol/models.ts'
import type { Events } from '../protocol/streams.ts'
import type { Route } from '../providers/provider.ts'
import type { Stopping } from '../runtime.ts'
import { outOfTime } from './outlive.ts'
import { type SilenceWatch, silenceWatch } from './silence.ts'
import { type Speech, speaker, webStream } from './speech.ts'
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

/** What is to be told, and where it comes from. */
interface Metering {
  events: Events
  route: Route
}

interface Lent {
  now(): number
  limits: LimitsConfig
  stopping?: Stopping | undefined
  stream?: typeof webStream | undefined
}

export function meter({ events, route }: Metering, call: Call, voice: Voice, lent: Lent): Metered {
  const { now, limits } = lent
  const silence = silenceWatch({
    now,
    pingAfter: call.stream ? limits.pingAfter : limits.wholeAfter,
    idleAfter: thinksUnseen(route) ? limits.thinkingIdleAfter : limits.idleAfter,
    totalAfter: limits.totalAfter,
  })
  const { speech, ending } = said(events, call.signal, voice, silence, lent)
  const { stream = webStream } = lent
  return {
    body: call.stream ? Promise.resolve(stream(speech)) : onceItSpeaks(speech, stream),
    contentType: voice.contentType,
    ending,
  }
}

/** Bedrock sends no pings, and since 4.6 a model may think at length without a word of it in the stream. */
function thinksUnseen({ model }: Route): boolean {
  return generationOf(model) >= 4.6
}

function said(events: Events, signal: Halting, voice: Voice, silence: SilenceWatch, { now, stopping }: Lent) {
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
    const { source, usage, searches, stopReason, tier } = seen.tally()
    const endedAt = now()
    const begunAt = firstByteAt ?? endedAt
    settle({ source, usage, searches, stopReason, tier, status, error, firstByteAt: begunAt, endedAt })
  }

  function end(status: Ending['status'], error?: GatewayError) {
    over = true
    silence.stop()
    outlive?.()
    conclude(status, error)
    events.cancel()
  }

  /** After `message_stop` nothing that goes wrong can matter to the client. */
  function finish(failure?: unknown) {
    if (over) return
    const error = seen.isComplete() ? undefined : failure === undefined ? cutShort() : asGatewayError(failure)
    if (error && signal.aborted)
      end('cancelled') // what then breaks is no error: nobody is there
    else end(error ? 'failed_midstream' : 'succeeded', error)
    const last = error ? voice.failure(error) : voice.end()
    if (error && !last) return mouth.fail(error)
    if (last) mouth.say(last)
    mouth.close()
  }

  function pull() {
    silence.waits()
    return events.next().then(heard).catch(finish)
  }

  function heard(batch: StreamEvent[] | undefined) {
    if (over) return
    silence.heard()
    if (!batch) return finish()
    firstByteAt ??= now()
    seen.see(batch)
    // Before the last bytes go out: an answer that was read to its end is in the books, whatever comes next.
    if (seen.isComplete()) conclude('succeeded')
    const bytes = voice.say(batch)
    if (!bytes) return // whoever listens still waits, and more is asked for
    mouth.say(bytes)
    silence.rests()
  }

  const mouth = speaker(pull, () => {
    if (!over) end(seen.isComplete() ? 'succeeded' : 'cancelled')
  })
  silence.start({ ping: () => mouth.say(voice.ping), giveUp: () => finish(fellSilent()) })
  outlive = stopping?.whenOver(() => finish(outOfTime()))
  return { speech: mouth.speech, ending }
}

/** Waits for the whole, so that a failure can still be a status; when that takes too long, for the first sign of life. */
async function onceItSpeaks(
  speech: Speech,
  stream: typeof webStream,
): Promise<Bytes | ReadableStream<Bytes>> {
  const first = (await speech.next()) ?? new Uint8Array()
  if (first[0] === OPEN_OBJECT) return first
  let held: Bytes | undefined = first
  return stream({
    next() {
      const bytes = held
      held = undefined
      return bytes ? Promise.resolve(bytes) : speech.next()
    },
    cancel: speech.cancel,
  })
}

const OPEN_OBJECT = 0x7b

function cutShort(): GatewayError {
  return new GatewayError('api_error', 'The upstream ended its answer before it was complete.')
}

function fellSilent(): GatewayError {
  return new GatewayError('timeout_error', 'The upstream fell silent before its answer was complete.')
}
