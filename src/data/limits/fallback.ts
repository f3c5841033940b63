/**
 * The shared store while it answers, this process while it does not. A call waits for the store at most 100 ms, and only
 * the calls that find out that it is away wait at all; an error of the store is never a refusal.
 *
 * While it is away each replica counts for itself, from what it last heard: it admits at most the whole limit of each
 * key, and at most what was left of each budget, all of them together at most replicas x that. When the store is back it
 * is told what each account has come to here, as the least that is spent, unless it has forgotten that account: then the
 * ledger is asked. Of buckets it is told nothing: there they have refilled, so that a key may once have its limit anew.
 */
import type { Floor, Granted, Limits, Refused, Taken, Want } from '../limits.ts'
import type { MemoryLimits } from './memory.ts'
import { patience } from './patience.ts'
import { hasGone, isBack, type Standing, type Witness } from './standing.ts'

/** A store that others share. Whatever it is asked may fail. */
export interface SharedLimits extends Limits {
  take(wants: readonly Want[]): Promise<SharedGranted | Refused>
  raise(floors: readonly Floor[]): Promise<void>
  /** The same for accounts that the store knows, and no others: what a replica knows is not all. */
  lift(floors: readonly Floor[]): Promise<void>
}

export interface SharedGranted extends Granted {
  settle(costs: readonly number[]): Promise<void>
  /** Instead of `settle`, where the store is away: what it has cost is told by a floor, and what it holds falls back. */
  abandon(): void
}

export interface FallbackOptions extends Witness {
  shared: SharedLimits
  /** Follows the shared store, to stand in for it. */
  local: MemoryLimits
  standing: Standing
  /** Keeps a question to the store alive, where a runtime would end it with the request. */
  background(work: Promise<void>): void
}

export interface FallbackLimits extends Limits {
  /** Finds out whether the store is there, and says so where that is news. Never rejects. */
  probe(within?: number): Promise<void>
  /** Does so where the store is away and it is time to ask again. */
  probeIfDue(): void
}

/** The store does nothing else meanwhile. */
const TOLD_AT_ONCE = 500

/** It writes, for a store may take questions and refuse work: a replica that reads only, a disk that is full. */
const PROBE: readonly Want[] = [{ kind: 'rate', name: 'probe', cap: 1_000_000, per: 1_000, cost: 1 }]

export function fallbackLimits(options: FallbackOptions): FallbackLimits {
  const { shared, local, standing, metrics, now } = options
  const { inTime, giveUp } = patience()

  function lose(error: unknown) {
    if (hasGone(standing, error, options)) giveUp()
  }

  async function regain() {
    const floors = local.floors(standing.untold) // before anything is heard that is less
    if (!isBack(standing, options)) return
    standing.untold.clear()
    await lift(floors)
  }

  async function lift(floors: readonly Floor[]) {
    for (let from = 0; from < floors.length && !standing.away; from += TOLD_AT_ONCE)
      await inTime(shared.lift(floors.slice(from, from + TOLD_AT_ONCE))).catch(lose)
  }

  /** What these have cost is settled here; the store is told at least that, now or when it is back. */
  async function makeGood(wants: readonly Want[]) {
    const names = wants.filter(({ kind }) => kind === 'hold').map(({ name }) => name)
    if (!standing.away) return lift(local.floors(names))
    for (const name of names) standing.untold.add(name)
  }

  function takeHere(wants: readonly Want[]): Taken {
    metrics.count('outcrop_limits_local_total', {})
    const taken = local.take(wants)
    if (!taken.granted) return taken
    return {
      ...taken,
      async settle(costs) {
        await taken.settle(costs)
        await makeGood(wants)
      },
    }
  }

  async function takeShared(wants: readonly Want[]): Promise<Taken> {
    const answer = shared.take(wants)
    try {
      const taken = await inTime(answer)
      const settleHere = local.follow(wants, taken)
      if (!taken.granted) return taken
      const { standings, asides } = taken
      return {
        granted: true,
        standings,
        asides,
        async settle(costs) {
          settleHere(costs)
          if (standing.away) taken.abandon()
          else await inTime(taken.settle(costs)).catch(lose)
          if (standing.away) await makeGood(wants)
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
