/**
 * What this process knows of its upstreams by having sent them calls: it goes with the process. What replicas must agree
 * on is in the shared store.
 */
import { type Breakers, newBreakers } from './breaker.ts'
import { type Headroom, newHeadroom } from './headroom.ts'
import { newWarmths, type Warmths } from './warmth.ts'

export interface Steering {
  /** Calls under way, by upstream. */
  underWay: Map<string, number>
  /** The room that accounts have. */
  headroom: Headroom
  /** The places that fail calls, which are spared for a while. */
  breakers: Breakers
  /** Where the caches of sessions are. */
  warmths: Warmths
}

export function newSteering(): Steering {
  return { underWay: new Map(), headroom: newHeadroom(), breakers: newBreakers(), warmths: newWarmths() }
}
