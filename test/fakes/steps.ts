/**
 * What a script can make the fake do with the next request that passes validation: one step a request.
 */

import type { Corruption } from './frames.ts'
import type { Brain, Plan } from './plan.ts'
import type { ExceptionName, StreamExceptionName } from './refusal.ts'

/** How the answer is said and delivered; goes with any kind of step. */
export interface Manner {
  /** What the model says, instead of the brain. */
  reply?: Plan | Brain
  /** Milliseconds between stream events. */
  pace?: number
  /** Bytes per write, so that frames arrive cut at every `split`th byte. */
  split?: number
  /** The whole stream in one write. */
  merge?: boolean
  /** The operation this step waits for; any inference (never a count) unless named. */
  on?: 'invoke' | 'stream' | 'count'
}

export type Kind =
  | { kind: 'answer' }
  /** An HTTP error before anything else. */
  | { kind: 'refuse'; exception: ExceptionName; message?: string; headers?: Record<string, string> }
  /** An exception frame after N events; on `invoke`, the HTTP exception of that name. */
  | { kind: 'exception'; name: StreamExceptionName; message?: string; after: number }
  | { kind: 'error'; code: string; message: string; after: number }
  /** Silence; for ever unless `ms` is given. A number is the count of events before it. */
  | { kind: 'stall'; at: 'before headers' | 'after headers' | number; ms?: number }
  /** The socket destroyed. */
  | { kind: 'cut'; bytes: number }
  | { kind: 'cut'; events: number }
  /** A clean end with no message_stop; `middle` adds half of the next frame. */
  | { kind: 'end'; events: number; middle?: boolean }
  | { kind: 'corrupt'; frame: number; how: Corruption }
  /** Exactly these events, objects or JSON text, in place of the model's. */
  | { kind: 'events'; events: readonly unknown[] }
  /** These events, and frames of other types, put in after N of the model's. */
  | { kind: 'insert'; after: number; events?: readonly unknown[]; frames?: readonly Buffer[] }

export type Step = Kind & Manner

export const answer = (manner: Manner = {}): Step => ({ kind: 'answer', ...manner })
export const say = (reply: Plan | Brain): Step => ({ kind: 'answer', reply })
export const slow = (pace: number, manner: Manner = {}): Step => ({ kind: 'answer', pace, ...manner })
export const refuseWith = (exception: ExceptionName, message?: string): Step => ({
  kind: 'refuse',
  exception,
  ...(message === undefined ? {} : { message }),
})
export const throttle = (message?: string): Step => refuseWith('ThrottlingException', message)

export function isFor(step: Step, operation: 'invoke' | 'stream' | 'count'): boolean {
  return step.on === undefined ? operation !== 'count' : step.on === operation
}
