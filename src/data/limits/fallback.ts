/**
 * The shared store while it answers, this process while it does not. A call waits for the store at most 100 ms, and only
 * the calls that find out that it is away wait at all; an error of the store is never a refusal.
 *
 * While it is away each replica counts for itself, from what it last heard: it admits at most the whole limit of each
 * key, all of them together at most replicas x limit. What was taken meanwhile is not told to the store when it is back:
 * there the buckets have refilled, so that a key may once have its limit anew.
 */
import type { Metrics } from '../../protocol/metrics.ts'
import type { Log } from '../../runtime.ts'
import type { Floor, Granted, Limits, Refused, Taken, Want } from '../limits.ts'
import type { MemoryLimits } from './memory.ts'
import { patience } from './patience.ts'

/** A store that others share. Whatever it is asked may fail. */
export interface SharedLimits extends Limits {
  take(wants: readonly Want[]): Promise<SharedGranted | Refused>
  raise(floors: readonly Floor[]): Promise<void>
}

export interface SharedGranted extends Granted {
  settle(costs: readonly number[]): Promise<void>
  /** Instead of `settle`, where the store is away: what it has cost is told by a floor, and what it holds falls back. */
  abandon(): void
}

/** What is known of the store: it outlives whoever asks it. */
export interface Standing {
  away: boolean
  /** When it came back, and when it is to be asked again while it is away. */
  backAt: number
  probeAt: number
  /** Milliseconds between two such questions. */
  pause: number
}

export interface FallbackOptions {
  shared: SharedLimits
  /** Follows the shared store, to stand in for it. */
  local: MemoryLimits
  standing: Standing
  log: Log
  metrics: Metrics
  now(): number
  /** Keeps a question to the store alive, where a runtime would end it with the request. */
  background(work: Promise<void>): void
}

export interface FallbackLimits extends Limits {
  /** Finds out whether the store is there, and says so where that is news. Never rejects. */
  probe(within?: number): Promise<void>
  /** Does so where the store is away and it is time to ask again. */
  probeIfDue(): void
}

/** Milliseconds between two questions to a store that is away. */
const SHORTEST_PAUSE = 1_000
const LONGEST_PAUSE = 30_000

/** It writes, for a store may take questions and refuse work: a replica that reads only, a disk that is full. */
const PROBE: readonly Want[] = [{ kind: 'rate', name: 'probe', cap: 1_000_000, per: 1_000, cost: 1 }]

export function newStanding(): Standing {
  return { away: false, backAt: 0, probeAt: 0, pause: SHORTEST_PAUSE }
}

export function fallbackLimits(options: FallbackOptions): FallbackLimits {
  const { shared, local, standing, metrics, now } = options
  const { inTime, giveUp } = patience()

  function lose(error: unknown) {
    if (standing.away) return
    // One that comes and goes is asked less and less often.
    const relapse = now() - standing.backAt < LONGEST_PAUSE
    standing.pause = relapse ? Math.min(standing.pause * 2, LONGEST_PAUSE) : SHORTEST_PAUSE
    standing.away = true
    standing.probeAt = now() + standing.pause
    metrics.count('outcrop_limits_store_total', { state: 'away' })
    options.log('warn', 'the shared store of limits does not answer: each replica counts for itself', {
      cause: reasonOf(error),
    })
    giveUp()
  }

  function regain() {
    if (!standing.away) return
    standing.away = false
    standing.backAt = now()
    metrics.count('outcrop_limits_store_total', { state: 'back' })
    options.log('info', 'the shared store of limits answers again')
  }

  function takeHere(wants: readonly Want[]): Taken {
    metrics.count('outcrop_limits_local_total', {})
    return local.take(wants)
  }

  async function takeShared(wants: readonly Want[]): Promise<Taken> {
    const answer = shared.take(wants)
    try {
      const taken = await inTime(answer)
      const settleHere = local.follow(wants, taken)
      if (!taken.granted) return taken
      return {
        ...taken,
        /** Here as well, which is all that can be done while the store is away. */
        async settle(costs) {
          settleHere(costs)
          if (standing.away) taken.abandon()
          else await inTime(taken.settle(costs)).catch(lose)
        },
      }
    } catch (error) {
      lose(error)
      void answer.then(giveBack).catch(() => {})
      return takeHere(wants)
    }
  }

  async function probe(within?: number) {
    standing.probeAt = now() + standing.pause
    await inTime(shared.take(PROBE), within).then(regain, lose)
  }

  function probeIfDue() {
    if (standing.away && now() >= standing.probeAt) options.background(probe())
  }

  return {
    take(wants) {
      if (!standing.away) return takeShared(wants)
      probeIfDue()
      return takeHere(wants)
    },
    async raise(floors) {
      local.raise(floors)
      if (!standing.away) await inTime(shared.raise(floors)).catch(lose)
    },
    probe,
    probeIfDue,
  }
}

/** An answer that came too late has taken what nobody will settle. */
function giveBack(late: Taken) {
  return late.granted ? late.settle([]) : undefined
}

/** A code or the first word of Redis's: messages may hold addresses. */
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return 'unknown'
  const { code } = error as { code?: unknown }
  if (typeof code === 'string') return code
  return /^[A-Z]{3,}\b/.exec(error.message)?.[0] ?? error.name
}
