/**
 * Bindings that replicas share, as one of them sees them: what it heard lately it believes, for anything else it asks the
 * store, once; and while that is away it goes by what it last heard. Where it has heard nothing, replicas still agree by
 * the order that a session's name gives its upstreams.
 */

import type { Bindings, Found, Move, SharedBindings } from '../bindings.ts'
import { patience } from '../limits/patience.ts'
import { hasGone, type Standing, type Witness } from '../limits/standing.ts'
import type { MemoryBindings } from './memory.ts'

export interface FollowedOptions extends Witness {
  shared: SharedBindings
  /** What this process last heard. */
  local: MemoryBindings
  /** Of the store, for everything that is kept in it. */
  standing: Standing
  /** Asks the store, beside the request, whether it is there again; where it is time to. */
  probeIfDue(): void
}

/** How long what was heard is believed, in milliseconds: a session under way asks nobody. */
const TRUST = 10_000
/** Calls that come sooner do not say it again; those that come before its trust is over find it renewed. */
const RENEWED_AFTER = TRUST / 2
/** How long it is gone by while the store is away, which did not say when it ends. */
const REMEMBERED = 3_600_000

export function followedBindings(options: FollowedOptions): Bindings {
  const { shared, local, standing, metrics, now } = options
  const { inTime, giveUp } = patience()

  function lose(error: unknown) {
    if (hasGone(standing, error, options)) giveUp()
  }

  function isHeardWithin(name: string, time: number): boolean {
    const heard = local.recall(name)
    return heard !== undefined && Math.abs(now() - heard.at) < time
  }

  async function ask(names: readonly string[]): Promise<Found> {
    try {
      metrics.count('outcrop_bindings_asked_total', {})
      const told = await inTime(shared.find(names))
      // One that the store has lost, restarted without its data, is still where it was.
      return names.map((name, index) => {
        const upstream = told[index]
        if (upstream !== undefined) local.learn(name, upstream, REMEMBERED)
        return local.recall(name)?.upstream
      })
    } catch (error) {
      lose(error)
      return local.find(names)
    }
  }

  return {
    find(names) {
      const [own = ''] = names
      if (isHeardWithin(own, TRUST)) return local.find(names)
      if (!standing.away) return ask(names)
      options.probeIfDue()
      return local.find(names)
    },
    async keep(name, move: Move) {
      const isNews = local.recall(name)?.upstream !== move.to
      if (!isNews && isHeardWithin(name, RENEWED_AFTER)) return
      // Its next call must not wait until the store has heard of it.
      local.keep(name, move)
      if (standing.away) return
      try {
        local.learn(name, await inTime(shared.keep(name, move)), move.lasts)
      } catch (error) {
        lose(error)
      }
    },
  }
}
