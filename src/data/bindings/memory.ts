/** Bindings in this process: for itself where it is the only one, else what it last heard of those that are shared. */
import type { Bindings, Move } from '../bindings.ts'

export interface MemoryBindings extends Bindings {
  find(names: readonly string[]): (string | undefined)[]
  keep(name: string, move: Move): void
  /** What is known of it, and since when. */
  recall(name: string): Heard | undefined
  /** Takes over where another store says it is kept to. */
  learn(name: string, upstream: string, lasts: number): void
  size(): number
}

export interface Heard {
  upstream: string
  /** In milliseconds since 1970. */
  at: number
  until: number
}

const MOST = 50_000
/** Of the oldest, for each that comes: more go than come. */
const LOOKED_AT = 2

export function memoryBindings(now: () => number, most = MOST): MemoryBindings {
  const kept = new Map<string, Heard>()

  function recall(name: string): Heard | undefined {
    const heard = kept.get(name)
    return heard && heard.until > now() ? heard : undefined
  }

  function learn(name: string, upstream: string, lasts: number) {
    const at = now()
    kept.delete(name) // what was heard last stands last
    kept.set(name, { upstream, at, until: at + lasts })
    let looked = 0
    for (const [oldest, { until }] of kept) {
      if (looked++ === LOOKED_AT || (until > at && kept.size <= most)) return
      kept.delete(oldest)
    }
  }

  return {
    find: (names) => names.map((name) => recall(name)?.upstream),
    keep(name, { from, to, lasts }) {
      const held = recall(name)?.upstream
      learn(name, held === undefined || held === from ? to : held, lasts)
    },
    recall,
    learn,
    size: () => kept.size,
  }
}
