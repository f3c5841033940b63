/** What was heard during one load, request by request, and the figures that come of it. */
import { quantile } from '../figures.ts'

/** Milliseconds; NaN where there was none. */
export interface Times {
  p50: number
  p99: number
}

export interface Heard {
  /** Milliseconds from the first request to the last answer. */
  elapsed: number
  /** Requests that were answered whole, with 200. */
  done: number
  /** Those that were not, by status; `broken` where the connection or the stream broke. */
  refused: Record<string, number>
  events: number
  /** From sending to the last byte, of those that are done. */
  whole: Times
  /** From sending to the first byte of the body, of those that are done. */
  first: Times
  /** Between two events of a stream; where several come at once, there is none between them. */
  gap: Times
  /** From sending to the last byte, of those that were refused. */
  refusal: Times
  /** Some answers did not come, however long they were waited for. */
  late: boolean
}

export interface Tally {
  done(first: number, whole: number): void
  refused(why: string, after: number): void
  events(count: number, gap: number | undefined): void
  heard(late: boolean): Heard
}

export function tally(): Tally {
  const began = performance.now()
  const firsts: number[] = []
  const wholes: number[] = []
  const gaps: number[] = []
  const refusals: number[] = []
  const refused: Record<string, number> = {}
  let last = began
  let events = 0
  return {
    done(first, whole) {
      last = performance.now()
      firsts.push(first)
      wholes.push(whole)
    },
    refused(why, after) {
      refused[why] = (refused[why] ?? 0) + 1
      refusals.push(after)
    },
    events(count, gap) {
      events += count
      if (gap === undefined) return
      gaps.push(gap)
      for (let at = 1; at < count; at++) gaps.push(0)
    },
    heard: (late) => ({
      elapsed: last - began,
      done: wholes.length,
      refused,
      events,
      whole: times(wholes),
      first: times(firsts),
      gap: times(gaps),
      refusal: times(refusals),
      late,
    }),
  }
}

function times(samples: readonly number[]): Times {
  return { p50: quantile(samples, 0.5), p99: quantile(samples, 0.99) }
}
