/** Limits in this process, for itself or for others who ask it. */
import {
  accountOf,
  charged,
  type Floor,
  type Granted,
  hasRoom,
  type Limits,
  type Refused,
  type Standing,
  type Taken,
  usedOf,
  type Want,
} from '../limits.ts'
import { memoryAccounts } from './accounts.ts'
import { memoryBuckets } from './buckets.ts'

export interface MemoryLimits extends Limits {
  /** `holder`: on whose behalf; what it holds is gone when it is dropped. */
  take(wants: readonly Want[], holder?: string): Granted | Refused
  raise(floors: readonly Floor[]): void
  /** Takes over what a store that this one stands in for has answered. @returns how that is settled here. */
  follow(wants: readonly Want[], taken: Taken, holder?: string): Granted['settle']
  drop(holder: string): void
  /** How many buckets and accounts are kept. */
  size(): number
}

const ITSELF = 'itself'

export function memoryLimits(now: () => number): MemoryLimits {
  const buckets = memoryBuckets()
  const accounts = memoryAccounts()

  function settler(wants: readonly Want[], asides: readonly number[], holder: string) {
    return (costs: readonly number[]) => {
      const at = now()
      wants.forEach((want, index) => {
        const cost = costs[index] ?? 0
        if (want.kind === 'rate') buckets.add(want, cost - charged(want), at)
        else accounts.settle(want.name, { holder, aside: asides[index] ?? 0, cost }, at)
      })
    }
  }

  /** Undefined for an account that is not known. */
  function look(want: Want, at: number): Standing | undefined {
    return want.kind === 'rate' ? { used: buckets.used(want, at) } : accounts.look(want, at)
  }

  return {
    take(wants, holder = ITSELF) {
      const at = now()
      const looked = wants.map((want) => look(want, at))
      const standings = looked.map((standing) => standing ?? { spent: 0, held: 0 })
      const unknown = [...looked.keys()].filter((index) => looked[index] === undefined)
      const fits = wants.every((want, index) => hasRoom(want, standings[index] as Standing))
      if (unknown.length > 0 || !fits) return { granted: false, standings, unknown }
      const asides = wants.map((want) => {
        if (want.kind === 'hold') return accounts.reserve(want, holder, at)
        buckets.add(want, charged(want), at)
        return 0
      })
      const taken = wants.map((want) => look(want, at) as Standing)
      return { granted: true, standings: taken, settle: settler(wants, asides, holder) }
    },
    raise(floors) {
      const at = now()
      for (const floor of floors) accounts.raise(floor, at)
    },
    follow(wants, taken, holder = ITSELF) {
      const at = now()
      const asides = wants.map((want, index) => {
        const standing = taken.standings[index]
        if (!taken.granted && taken.unknown.includes(index)) return 0
        if (want.kind === 'rate') buckets.learn(want, usedOf(standing), at)
        else accounts.learn(want, accountOf(standing).spent, at)
        return want.kind === 'hold' && taken.granted ? accounts.reserve(want, holder, at) : 0
      })
      return taken.granted ? settler(wants, asides, holder) : () => {}
    },
    drop: (holder) => accounts.drop(holder),
    size: () => buckets.size() + accounts.size(),
  }
}
