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
import { type Holding, holders } from './holders.ts'

export interface MemoryLimits extends Limits {
  /** `holder`: on whose behalf, which is to be dropped when it is gone; without one, on our own. */
  take(wants: readonly Want[], holder?: string): Granted | Refused
  raise(floors: readonly Floor[]): void
  /** The same, of accounts that are known. */
  lift(floors: readonly Floor[]): void
  /** Takes over what a store that this one stands in for has answered. @returns how that is settled here. */
  follow(wants: readonly Want[], taken: Taken): (costs: readonly number[]) => void
  /** What is spent of those accounts, for a store that was not told. */
  floors(names: Iterable<string>): Floor[]
  /** What it holds is free again. */
  drop(holder: string): void
  /** How many buckets and accounts are kept. */
  size(): number
}

type Held = Pick<Holding, 'name' | 'leave'>

const NOTHING: Held = { name: '', leave() {} }

export function memoryLimits(now: () => number): MemoryLimits {
  const buckets = memoryBuckets()
  const accounts = memoryAccounts()
  const own = holders({ now, onGone: (name) => accounts.drop(name) })
  const enter = (wants: readonly Want[]): Held =>
    wants.some(({ kind }) => kind === 'hold') ? own.enter() : NOTHING

  function settler(wants: readonly Want[], asides: readonly number[], { name, leave }: Held) {
    return (costs: readonly number[]) => {
      const at = now()
      wants.forEach((want, index) => {
        const cost = costs[index] ?? 0
        if (want.kind === 'rate') buckets.add(want, cost - charged(want), at)
        else accounts.settle(want.name, { holder: name, aside: asides[index] ?? 0, cost }, at)
      })
      leave()
    }
  }

  /** Undefined for an account that is not known. */
  function look(want: Want, at: number): Standing | undefined {
    return want.kind === 'rate' ? { used: buckets.used(want, at) } : accounts.look(want, at)
  }

  return {
    take(wants, holder) {
      const at = now()
      const held = holder === undefined ? enter(wants) : { ...NOTHING, name: holder }
      const looked = wants.map((want) => look(want, at))
      const standings = looked.map((standing) => standing ?? { spent: 0, held: 0 })
      const unknown = [...looked.keys()].filter((index) => looked[index] === undefined)
      if (unknown.length > 0 || !wants.every((want, index) => hasRoom(want, standings[index]))) {
        held.leave()
        return { granted: false, standings, unknown }
      }
      const asides = wants.map((want) => {
        if (want.kind === 'hold') return accounts.reserve(want, held.name, at)
        buckets.add(want, charged(want), at)
        return 0
      })
      return {
        granted: true,
        standings: wants.map((want) => look(want, at) as Standing),
        asides,
        settle: settler(wants, asides, held),
      }
    },
    raise(floors) {
      const at = now()
      for (const floor of floors) accounts.raise(floor, at)
    },
    lift(floors) {
      const at = now()
      for (const floor of floors) accounts.lift(floor, at)
    },
    follow(wants, taken) {
      const at = now()
      for (const [index, want] of wants.entries()) {
        const standing = taken.standings[index]
        if (!taken.granted && taken.unknown.includes(index)) continue
        if (want.kind === 'rate') buckets.learn(want, usedOf(standing), at)
        else accounts.learn(want, accountOf(standing).spent, at)
      }
      if (!taken.granted) return () => {}
      const held = enter(wants)
      const asides = wants.map((want) => (want.kind === 'hold' ? accounts.reserve(want, held.name, at) : 0))
      return settler(wants, asides, held)
    },
    floors: (names) => accounts.floors(names, now()),
    drop: (holder) => accounts.drop(holder),
    size: () => buckets.size() + accounts.size(),
  }
}
