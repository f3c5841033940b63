/** The limits of a cluster, kept by its primary: what each worker holds, under which of its names, until it is gone. */
import type { MemoryLimits } from '../../data/limits/memory.ts'
import type { Granted } from '../../data/limits.ts'
import type { Notices, Questions } from './wire.ts'

/** What one worker has been granted. */
export interface Grants {
  take(asks: Questions['take']['asks']): Questions['take']['answer']
  settle(notice: Notices['settle']): void
  drop(holder: string): void
  dropAll(): void
}

export function grantsOf(limits: MemoryLimits): Grants {
  const open = new Map<string, Map<number, Granted['settle']>>()
  let count = 0

  function drop(holder: string) {
    open.delete(holder)
    limits.drop(holder)
  }

  return {
    take({ wants, holder }) {
      const taken = limits.take(wants, holder)
      if (!taken.granted) return { grant: 0, taken }
      const { settle, ...rest } = taken
      const under = open.get(holder) ?? new Map<number, Granted['settle']>()
      open.set(holder, under.set(++count, settle))
      return { grant: count, taken: rest }
    },
    settle({ holder, grant, costs }) {
      const under = open.get(holder)
      under?.get(grant)?.(costs)
      under?.delete(grant)
    },
    drop,
    dropAll() {
      for (const holder of open.keys()) drop(holder)
    },
  }
}
