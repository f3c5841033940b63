/**
 * Where the caches of prompts are, as far as this process has seen: what a session's last call read there and wrote. By it
 * the price of going elsewhere is known before anybody goes. Each thread of a session has a prefix of its own.
 */
import type { Call, Usage } from '../../protocol/messages.ts'
import { nameOfRun } from '../../protocol/models.ts'
import type { Route } from '../../providers/provider.ts'

/** A cache that is likely to be still there. */
export interface Warm {
  tokens: number
  /** It was written to last for an hour. */
  isLong: boolean
}

export interface Warmths {
  /** A call was answered there. */
  keep(call: Thread, route: Route, usage: Usage, now: number): void
  /** What of this thread is cached there. */
  at(call: Thread, route: Route, now: number): Warm | undefined
}

export type Thread = Pick<Call, 'session' | 'agent'>

interface Kept extends Warm {
  upstream: string
  model: string
  at: number
}

/** A cache lives so long after it was last read, in milliseconds; a little less, for the way there. */
const SHORT = 5 * 60_000 - 10_000
const LONG = 60 * 60_000 - 10_000
/** Threads, and places of each: a few hundred bytes each. */
const MOST = 10_000
const PLACES = 3

export function newWarmths(): Warmths {
  const threads = new Map<string, readonly Kept[]>()
  return {
    keep(call, route, { cacheRead, cacheWrite5m, cacheWrite1h }, now) {
      const name = nameOf(call)
      const tokens = cacheRead + cacheWrite5m + cacheWrite1h
      if (name === undefined || tokens === 0) return
      const known = threads.get(name) ?? []
      const [upstream, model] = [route.upstream.id, nameOfRun(route)]
      const isHere = (each: Kept) => each.upstream === upstream && each.model === model
      // A call that only reads does not say how long what it read will last.
      const wasLong = known.find(isHere)?.isLong ?? false
      const isLong = cacheWrite1h > 0 || (cacheWrite5m === 0 && wasLong)
      threads.delete(name)
      threads.set(
        name,
        [{ upstream, model, tokens, isLong, at: now }, ...known.filter((each) => !isHere(each))].slice(
          0,
          PLACES,
        ),
      )
      if (threads.size > MOST) for (const oldest of threads.keys()) return void threads.delete(oldest)
    },
    at(call, route, now) {
      const name = nameOf(call)
      const kept = name === undefined ? undefined : threads.get(name)
      return kept?.find(
        ({ upstream, model, at, isLong }) =>
          upstream === route.upstream.id && model === nameOfRun(route) && now - at < (isLong ? LONG : SHORT),
      )
    },
  }
}

function nameOf({ session, agent }: Thread): string | undefined {
  return session === undefined ? undefined : `${session}\n${agent ?? ''}`
}
