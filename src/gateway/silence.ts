/**
 * Watches an answer for silence: of the upstream, which is given up in the end, and towards the client, which is told
 * that somebody is there. Only time spent waiting for the upstream counts: a client that reads slowly is not its fault.
 * One timer an answer, and none is touched when an event arrives.
 */

interface Acts {
  /** The client has heard nothing for `pingAfter`. */
  ping(): void
  /** The upstream has said nothing for `idleAfter`, or the answer has taken `totalAfter`. */
  giveUp(): void
}

interface Patience {
  now(): number
  /** Milliseconds. */
  pingAfter: number
  idleAfter: number
  totalAfter: number
}

export interface SilenceWatch {
  start(acts: Acts): void
  stop(): void
  /** The client waits, and so does the gateway. */
  waits(): void
  /** The upstream has said something. */
  heard(): void
  /** The client has got something. */
  rests(): void
}

export function silenceWatch({ now, pingAfter, idleAfter, totalAfter }: Patience): SilenceWatch {
  const startedAt = now()
  let isWaiting = false
  let heardAt = 0
  let toldAt = 0
  let timer: ReturnType<typeof setTimeout> | undefined

  function check(acts: Acts) {
    const at = now()
    if (at - startedAt >= totalAfter) return acts.giveUp()
    if (!isWaiting) return wait(pingAfter, acts)
    if (at - heardAt >= idleAfter) return acts.giveUp()
    if (at - toldAt >= pingAfter) {
      toldAt = at
      acts.ping()
    }
    wait(Math.min(toldAt + pingAfter, heardAt + idleAfter) - at, acts)
  }

  function wait(milliseconds: number, acts: Acts) {
    timer = setTimeout(() => check(acts), milliseconds)
  }

  return {
    start: (acts) => wait(Math.min(pingAfter, idleAfter), acts),
    stop: () => clearTimeout(timer),
    waits() {
      if (isWaiting) return // it has not got anything since
      isWaiting = true
      heardAt = now()
      toldAt = heardAt
    },
    heard() {
      heardAt = now()
    },
    rests() {
      isWaiting = false
    },
  }
}
