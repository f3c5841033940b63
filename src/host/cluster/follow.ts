/** A worker of a cluster: what it shares with the others is kept by the primary. */
import type { SharedBindings } from '../../data/bindings.ts'
import type { SharedLimits } from '../../data/limits/fallback.ts'
import { holders } from '../../data/limits/holders.ts'
import type { Counters, Metrics } from '../../protocol/metrics.ts'
import type { Cache } from '../../runtime.ts'
import { type End, type Speaker, speaker } from './wire.ts'

export interface Following {
  /** One count for all workers. */
  limits: SharedLimits
  /** Sessions are kept to the same upstream by all. */
  bindings: SharedBindings
  /** Counts here, and reads out what all have counted. */
  metrics: Metrics
  /** Each has its own, but what one forgets all forget. */
  cache: Cache
}

export interface Own {
  metrics: Counters
  cache: Cache
}

export function follow(end: End, own: Own): Following {
  const primary = speaker(
    end,
    { metrics: async () => own.metrics.text() },
    { forget: (key) => own.cache.forget(key) },
  )
  return {
    limits: limitsOf(primary),
    bindings: {
      find: async (names) => (await primary.ask('find', names)).map((each) => each ?? undefined),
      keep: (name, move) => primary.ask('keep', { name, move }),
    },
    metrics: {
      count: (name, labels, by) => own.metrics.count(name, labels, by),
      text: () => primary.ask('metrics', null),
    },
    cache: {
      remember: (key, load) => own.cache.remember(key, load),
      known: (key) => own.cache.known(key),
      forget(key) {
        own.cache.forget(key)
        primary.tell('forget', key)
      },
    },
  }
}

function limitsOf(primary: Speaker): SharedLimits {
  const names = holders({ now: Date.now, onGone: (name) => primary.tell('drop', name) })
  return {
    async take(wants) {
      const { name, leave, lose } = names.enter()
      const { grant, taken } = await primary.ask('take', { wants, holder: name }).catch((error: unknown) => {
        lose()
        throw error
      })
      if (!taken.granted) {
        leave()
        return taken
      }
      return {
        ...taken,
        async settle(costs) {
          primary.tell('settle', { holder: name, grant, costs })
          leave()
        },
        abandon: lose,
      }
    },
    async raise(floors) {
      primary.tell('raise', floors)
    },
    async lift(floors) {
      primary.tell('lift', floors)
    },
  }
}
