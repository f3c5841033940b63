/** The accounts of holds, in this process: what is spent, and what each holder has set aside. */
import { type Account, type Floor, type Hold, SHORTEST, setAside } from '../limits.ts'
import { sweep } from './sweep.ts'

export interface Accounts {
  /** Undefined where it is not known. A floor is kept. */
  look(hold: Hold, at: number): Account | undefined
  /** Sets aside what there is room for, of an account that is known. @returns how much that is. */
  reserve(hold: Hold, holder: string, at: number): number
  /** What was set aside is free again, and so much is spent. */
  settle(name: string, what: { holder: string; aside: number; cost: number }, at: number): void
  raise(floor: Floor, at: number): void
  /** The same, of an account that is known. */
  lift(floor: Floor, at: number): void
  /** Takes over what another store says is spent. */
  learn(hold: Hold, spent: number, at: number): void
  /** What is spent of those of them that are known. */
  floors(names: Iterable<string>, at: number): Floor[]
  /** What it held is free again. */
  drop(holder: string): void
  size(): number
}

interface Kept {
  spent: number
  held: Map<string, number>
  until: number
}

export function memoryAccounts(): Accounts {
  const accounts = new Map<string, Kept>()

  function known(name: string, at: number): Kept | undefined {
    const kept = accounts.get(name)
    return kept && kept.until > at ? kept : undefined
  }

  function raise({ name, floor, until: wished }: Floor, at: number): Kept {
    const until = Math.max(wished, at + SHORTEST)
    const kept = known(name, at)
    if (kept) {
      kept.spent = Math.max(kept.spent, floor)
      kept.until = Math.max(kept.until, until)
      return kept
    }
    sweep(accounts, (each) => each.until <= at)
    const begun: Kept = { spent: floor, held: new Map(), until }
    accounts.set(name, begun)
    return begun
  }

  function look({ name, floor, until }: Hold, at: number): Account | undefined {
    const kept = floor === undefined ? known(name, at) : raise({ name, floor, until }, at)
    return kept && { spent: kept.spent, held: heldIn(kept) }
  }

  return {
    look,
    reserve(hold, holder, at) {
      const { name, floor = 0, until } = hold
      const kept = raise({ name, floor, until }, at)
      const aside = setAside(hold, { spent: kept.spent, held: heldIn(kept) })
      if (aside > 0) kept.held.set(holder, (kept.held.get(holder) ?? 0) + aside)
      return aside
    },
    settle(name, { holder, aside, cost }, at) {
      const kept = known(name, at)
      if (!kept) return
      kept.spent += cost
      const left = (kept.held.get(holder) ?? 0) - aside
      if (left > 0) kept.held.set(holder, left)
      else kept.held.delete(holder)
    },
    raise: (floor, at) => void raise(floor, at),
    lift: (floor, at) => void (known(floor.name, at) && raise(floor, at)),
    learn({ name, until }, spent, at) {
      raise({ name, floor: 0, until }, at).spent = spent
    },
    floors(names, at) {
      return [...names].flatMap((name) => {
        const kept = known(name, at)
        return kept && kept.spent > 0 ? [{ name, floor: kept.spent, until: kept.until }] : []
      })
    },
    drop(holder) {
      for (const { held } of accounts.values()) held.delete(holder)
    },
    size: () => accounts.size,
  }
}

function heldIn({ held }: Kept): number {
  let sum = 0
  for (const amount of held.values()) sum += amount
  return sum
}
