/**
 * Watches a stream for silence of the upstream. Only the time spent waiting for it counts: a client that reads slowly
 * is not the upstream's fault. One timer a stream, and none is touched when an event arrives.
 */
import type { LimitsConfig } from '../config.ts'

interface Acts {
  /** Nothing came for `pingAfter`; again after each further one. */
  ping(): void
  /** Nothing came for `idleAfter`. */
  giveUp(): void
}

export interface SilenceWatch {
  start(acts: Acts): void
  stop(): void
  begins(): void
  ends(): void
}

export function silenceWatch({ now, limits }: { now(): number; limits: LimitsConfig }): SilenceWatch {
  let waitingSince: number | undefined
  let pingedAt = 0
  let timer: ReturnType<typeof setTimeout> | undefined

  function check(acts: Acts) {
    const at = now()
    const silentSince = waitingSince ?? at
    if (at - silentSince >= limits.idleAfter) return acts.giveUp()
    if (at - Math.max(silentSince, pingedAt) >= limits.pingAfter) {
      acts.ping()
      pingedAt = at
    }
    const nextPing = Math.max(silentSince, pingedAt) + limits.pingAfter
    wait(Math.min(nextPing, silentSince + limits.idleAfter) - at, acts)
  }

  function wait(milliseconds: number, acts: Acts) {
    timer = setTimeout(() => check(acts), milliseconds)
  }

  return {
    start: (acts) => wait(limits.pingAfter, acts),
    stop: () => clearTimeout(timer),
    begins() {
      waitingSince = now()
    },
    ends() {
      waitingSince = undefined
    },
  }
}
