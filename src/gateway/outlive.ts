/** A call whose process is told to end. Until its answer has begun it is given up; from then on see meter.ts. */
import { GatewayError } from '../errors.ts'
import { Halt, type Halting } from '../protocol/halt.ts'
import type { Call } from '../protocol/messages.ts'
import type { Stopping } from '../runtime.ts'

interface Bounded {
  /** Its signal aborts when the client goes, and when the process has no more time for it. */
  call: Call
  /** The answer has begun, or never will. */
  begun(): void
}

export function bounded(call: Call, stopping: Stopping | undefined): Bounded {
  if (!stopping) return { call, begun() {} }
  const over = new Halt().after(call.signal)
  const begun = stopping.whenOver(() => over.abort(outOfTime()))
  return { call: withSignal(call, over), begun }
}

/** Member by member, in the order of `read`: to V8 a call is then always of the same kind, and its members are found. */
export function withSignal(call: Call, signal: Halting): Call {
  return {
    id: call.id,
    startedAt: call.startedAt,
    body: call.body,
    outline: call.outline,
    model: call.model,
    stream: call.stream,
    betas: call.betas,
    signal,
    session: call.session,
    agent: call.agent,
    parentAgent: call.parentAgent,
  }
}

/** What went wrong with a call: what it was given up for, where it was given up. */
export function whyEnded({ signal }: Call, error: unknown): unknown {
  return signal.reason instanceof GatewayError ? signal.reason : error
}

/** Claude Code asks again, and meets another replica. */
export function outOfTime(): GatewayError {
  return new GatewayError(
    'overloaded_error',
    'The gateway was stopped before the answer was complete. Ask again.',
    {
      retryAfter: 1,
      headers: { connection: 'close' },
    },
  )
}
