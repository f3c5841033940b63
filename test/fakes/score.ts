/**
 * A step made into acts: what to write, when to wait, how to break off.
 */
import { chunkFrame, corrupt, errorFrame, exceptionFrame } from './frames.ts'
import { EXCEPTIONS, STREAM_EXCEPTIONS } from './refusal.ts'
import type { Step } from './steps.ts'

export type Act =
  | { act: 'head' }
  | { act: 'write'; bytes: Buffer }
  | { act: 'wait'; ms: number }
  | { act: 'hang' }
  | { act: 'destroy' }
  | { act: 'end' }

const wait = (ms: number): Act => ({ act: 'wait', ms })
const write = (bytes: Buffer): Act => ({ act: 'write', bytes })
const DESTROY: Act = { act: 'destroy' }
const END: Act = { act: 'end' }

function stall(ms: number | undefined): Act {
  return ms === undefined ? { act: 'hang' } : wait(ms)
}

/** The stream for `events` (each an event's JSON text), played the way `step` says. */
export function* streamScore(
  events: readonly string[],
  step: Step,
  delay: number,
  pace: number,
): Generator<Act> {
  if (delay > 0) yield wait(delay)
  if (step.kind === 'stall' && step.at === 'before headers') yield stall(step.ms)
  yield { act: 'head' }
  if (step.kind === 'stall' && step.at === 'after headers') yield stall(step.ms)
  let left = step.kind === 'cut' && 'bytes' in step ? step.bytes : Number.POSITIVE_INFINITY
  for (const act of body(events, step, pace)) {
    if (act.act !== 'write') {
      yield act
      continue
    }
    yield write(act.bytes.subarray(0, left))
    left -= act.bytes.length
    if (left <= 0) {
      yield DESTROY
      return
    }
  }
}

function* body(events: readonly string[], step: Step, pace: number): Generator<Act> {
  const frames = framesOf(events, step)
  for (const [index, bytes] of frames.entries()) {
    const rest = yield* breakOff(step, index, bytes)
    if (rest) return
    if (index > 0 && pace > 0) yield wait(pace)
    yield write(bytes)
  }
  const late = yield* breakOff(step, frames.length, Buffer.alloc(0))
  if (!late) yield END
}

function framesOf(events: readonly string[], step: Step): Buffer[] {
  if (step.kind === 'events') {
    return step.events.map((event) => chunkFrame(typeof event === 'string' ? event : JSON.stringify(event)))
  }
  const frames = events.map((event) => chunkFrame(event))
  if (step.kind === 'insert') {
    const added = (step.events ?? []).map((event) => chunkFrame(JSON.stringify(event)))
    frames.splice(step.after, 0, ...added, ...(step.frames ?? []))
  }
  const bad = step.kind === 'corrupt' ? frames[step.frame] : undefined
  if (step.kind === 'corrupt' && bad) frames[step.frame] = corrupt(bad, step.how)
  return frames
}

/** What happens instead of frame `index`; true when nothing follows. */
function* breakOff(step: Step, index: number, next: Buffer): Generator<Act, boolean> {
  if (step.kind === 'stall' && step.at === index) yield stall(step.ms)
  if (step.kind === 'cut' && 'events' in step && step.events === index) {
    yield DESTROY
    return true
  }
  if (step.kind === 'end' && step.events === index) {
    if (step.middle) yield write(next.subarray(0, Math.ceil(next.length / 2)))
    yield END
    return true
  }
  if (step.kind === 'exception' && step.after === index) {
    const usual = EXCEPTIONS[STREAM_EXCEPTIONS[step.name]]
    const extra = 'extra' in usual ? usual.extra : {}
    yield write(exceptionFrame(step.name, step.message ?? usual.message, extra))
    yield END
    return true
  }
  if (step.kind === 'error' && step.after === index) {
    yield write(errorFrame(step.code, step.message))
    yield END
    return true
  }
  return false
}

/** The JSON answer of `invoke`, with the faults that make sense there. */
export function* jsonScore(message: string, step: Step, delay: number): Generator<Act> {
  const bytes = Buffer.from(message)
  if (delay > 0) yield wait(delay)
  if (step.kind === 'stall' && step.at === 'before headers') yield stall(step.ms)
  yield { act: 'head' }
  if (step.kind === 'stall' && step.at !== 'before headers') yield stall(step.ms)
  if (step.kind === 'cut') {
    yield write(bytes.subarray(0, 'bytes' in step ? step.bytes : Math.ceil(bytes.length / 2)))
    yield DESTROY
    return
  }
  const half = step.kind === 'end' || step.kind === 'corrupt'
  yield write(half ? bytes.subarray(0, Math.ceil(bytes.length / 2)) : bytes)
  yield END
}
