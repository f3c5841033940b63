/**
 * Where there is one upstream, a call's choice follows from its key and the name of its model: it is worked out once, and
 * holds for as long as all that it follows from is at hand and the same.
 */
import type { RoutingPolicy } from '../../data/tables/upstreams.ts'
import type { Choice } from './choice.ts'

/** By the name that the call has for its model. */
export type Ways = Map<string, Choice>

/** Of keys, as they were looked up last: what is looked up anew is another key. */
export type WaysOfKeys = WeakMap<object, { policy: RoutingPolicy; ways: Ways }>

/** Names are made up easily. */
const MOST_NAMES = 50

/** Those of a key under this policy of the organisation's. */
export function waysUnder(kept: WaysOfKeys, key: object, policy: RoutingPolicy): Ways {
  const known = kept.get(key)
  if (known?.policy === policy) return known.ways
  const ways: Ways = new Map()
  kept.set(key, { policy, ways })
  return ways
}

export function keepWay(ways: Ways, model: string, choice: Choice) {
  if (ways.size >= MOST_NAMES) ways.clear()
  ways.set(model, choice)
}
