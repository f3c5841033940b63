/**
 * Is there room for one more call in this process? Judged by the headers alone, before a body is read: whoever comes
 * past capacity is sent away at once, so that those who were let in are served as before.
 */
import { GatewayError } from '../errors.ts'
import type { Runtime } from '../runtime.ts'
import type { Lateness } from './lateness.ts'

/** What a process takes on. A call is under way from its headers to the last byte of its answer. */
export interface Capacity {
  /** Takes a place. False where none is free. */
  enter(): boolean
  /** One is on its way upstream: it does not wait for this process any more. */
  send(): void
  leave(): void
}

/**
 * However late it is, so many may wait to be sent upstream. More than one team's agents are at once, so that a machine
 * that is merely slow, or busy with others, sends nobody away; few enough to be served within some 200 milliseconds.
 */
const FEW = 100

/**
 * @param most how many calls may be under way at once, most of them streams that say nothing just now
 * @param lateness where more come than can be served, those who wait are served as soon as before, and the others told
 */
export function capacityOf(most: number, lateness?: Lateness): Capacity {
  let under = 0
  let waiting = 0
  return {
    enter() {
      const isBehind = lateness?.isBehind() ?? false
      if (under >= most || (isBehind && waiting >= FEW)) return false
      under++
      waiting++
      return true
    },
    send() {
      waiting--
    },
    leave() {
      under--
    },
  }
}

/** A place in this process. What is said twice counts once. */
export interface Place {
  /** The call is on its way upstream. */
  send(): void
  /** The answer is over. */
  leave(): void
}

const NOWHERE: Place = { send() {}, leave() {} }

/**
 * A place for a call.
 * @throws GatewayError overloaded_error, which clients take as a word to come again.
 */
export function admit({ capacity, metrics }: Runtime): Place {
  if (!capacity) return NOWHERE
  if (!capacity.enter()) {
    metrics.count('outcrop_shed_total', {})
    throw new GatewayError(
      'overloaded_error',
      'This gateway has as many requests as it can take. Ask again.',
      {
        retryAfter: 1,
      },
    )
  }
  let isWaiting = true
  let isIn = true
  const send = () => {
    if (isWaiting) capacity.send()
    isWaiting = false
  }
  return {
    send,
    leave() {
      send()
      if (isIn) capacity.leave()
      isIn = false
    },
  }
}
