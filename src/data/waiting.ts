/** Ledger rows that wait for the database: of each request its last state, and who wants to know when it is there. */
import { isOver, type WrittenRow } from './rows.ts'

export interface Waiting {
  row: WrittenRow
  resolve(): void
  reject(error: unknown): void
}

export interface Queue {
  size(): number
  has(id: string): boolean
  /** Resolves or rejects as whoever takes it out says. */
  add(row: WrittenRow): Promise<void>
  /** Takes out the oldest. */
  next(most: number): Waiting[]
}

interface Awaited extends Waiting {
  promise: Promise<void>
}

export function newQueue(): Queue {
  const waiting = new Map<string, Awaited>()
  return {
    size: () => waiting.size,
    has: (id) => waiting.has(id),
    add(row) {
      const before = waiting.get(row.id)
      if (!before) {
        const begun: Awaited = { ...unawaited(row), promise: OVER }
        begun.promise = new Promise((resolve, reject) => {
          begun.resolve = resolve
          begun.reject = reject
        })
        waiting.set(row.id, begun)
        return begun.promise
      }
      // The end of a request is the last that is said of it, whichever comes first.
      if (isOver(row) || !isOver(before.row)) before.row = row
      return before.promise
    },
    next(most) {
      const group: Waiting[] = []
      for (const [id, each] of waiting) {
        if (group.length === most) break
        group.push(each)
        waiting.delete(id)
      }
      return group
    },
  }
}

const OVER = Promise.resolve()

/** A row that nobody asks after. */
export function unawaited(row: WrittenRow): Waiting {
  return { row, resolve() {}, reject() {} }
}
