/** Whether the shared store is there, when it is asked again while it is away, and what is said of both. */
import type { Metrics } from '../../protocol/metrics.ts'
import type { Log } from '../../runtime.ts'

/** What is known of the store: it outlives whoever asks it. */
export interface Standing {
  away: boolean
  /** When it came back, and when it is to be asked again while it is away. */
  backAt: number
  probeAt: number
  /** Milliseconds between two such questions. */
  pause: number
  /** Accounts of which something was spent that the store was not told. */
  untold: Set<string>
}

/** Who hears of it. */
export interface Witness {
  log: Log
  metrics: Metrics
  now(): number
}

/** Milliseconds between two questions to a store that is away. */
const SHORTEST_PAUSE = 1_000
const LONGEST_PAUSE = 30_000

export function newStanding(): Standing {
  return { away: false, backAt: 0, probeAt: 0, pause: SHORTEST_PAUSE, untold: new Set() }
}

/** Whether that is news. */
export function hasGone(standing: Standing, error: unknown, { log, metrics, now }: Witness): boolean {
  if (standing.away) return false
  // One that comes and goes is asked less and less often.
  const relapse = now() - standing.backAt < LONGEST_PAUSE
  standing.pause = relapse ? Math.min(standing.pause * 2, LONGEST_PAUSE) : SHORTEST_PAUSE
  standing.away = true
  standing.probeAt = now() + standing.pause
  metrics.count('outcrop_limits_store_total', { state: 'away' })
  log('warn', 'the shared store of limits does not answer: each replica counts for itself', {
    cause: reasonOf(error),
  })
  return true
}

/** Whether that is news. */
export function isBack(standing: Standing, { log, metrics, now }: Witness): boolean {
  if (!standing.away) return false
  standing.away = false
  standing.backAt = now()
  metrics.count('outcrop_limits_store_total', { state: 'back' })
  log('info', 'the shared store of limits answers again')
  return true
}

/** A code or the first word of Redis's: messages may hold addresses. */
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return 'unknown'
  const { code } = error as { code?: unknown }
  if (typeof code === 'string') return code
  return /^[A-Z]{3,}\b/.exec(error.message)?.[0] ?? error.name
}
