/**
 * Is there room for one more call in this process? Judged by the headers alone, before a body is read: whoever comes
 * past capacity is sent away at once, so that those who were let in are served as before.
 */
import { GatewayError } from '../errors.ts'
import type { Runtime } from '../runtime.ts'

/** How many calls may be under way at once, from their headers to the last byte of their answer. */
export interface Capacity {
  /** Takes a place. False where none is free. */
  enter(): boolean
  leave(): void
}

export function capacityOf(most: number): Capacity {
  let under = 0
  return {
    enter() {
      if (under >= most) return false
      under++
      return true
    },
    leave() {
      under--
    },
  }
}

/**
 * A place for a call, and how to give it back: what is given back twice counts once.
 * @throws GatewayError overloaded_error, which clients take as a word to come again.
 */
export function admit({ capacity, metrics }: Runtime): () => void {
  if (!capacity) return () => {}
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
  let isIn = true
  return () => {
    if (isIn) capacity.leave()
    isIn = false
  }
}
