/**
 * Whether this process is behind with its work: for a while now, whatever was to be done at a certain time has been done
 * late. One pause says nothing (a collection of garbage, a body of 30 MB, a machine that is busy with others); a queue
 * that does not empty does, as in CoDel: https://www.rfc-editor.org/rfc/rfc8289
 *
 * A timer runs only while calls come in: many silent streams, or none, cost nothing and are never late.
 */

/** Milliseconds between two looks, and how late one is that counts. */
const LOOK_EVERY = 10
const LATE = 25
/** Lateness for so long is a queue; and for so long after one, every lateness is. */
const PATIENCE = 100
const WARINESS = 2_000

export interface Lateness {
  /** To be asked at each call that comes in. */
  isBehind(): boolean
}

/** @param now milliseconds, of a clock that is not set back */
export function lateness(now = () => performance.now()): Lateness {
  let timer: ReturnType<typeof setTimeout> | undefined
  let isAsked = false
  let due = 0
  let lateSince: number | undefined
  let isBehind = false
  let wasBehindAt = Number.NEGATIVE_INFINITY

  function lookSoon() {
    isAsked = false
    due = now() + LOOK_EVERY
    timer = setTimeout(look, LOOK_EVERY)
  }

  function look() {
    const at = now()
    if (at - due < LATE) {
      lateSince = undefined
      isBehind = false
    } else {
      lateSince ??= due
      isBehind = at - lateSince >= PATIENCE || at - wasBehindAt < WARINESS
      if (isBehind) wasBehindAt = at
    }
    timer = undefined
    if (isAsked || isBehind) lookSoon()
    else lateSince = undefined
  }

  return {
    isBehind() {
      if (timer === undefined) lookSoon()
      isAsked = true
      return isBehind
    },
  }
}
