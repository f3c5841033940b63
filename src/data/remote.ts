/** A database elsewhere, reached a statement at a time over a single connection: in another thread, say. */
import { drizzle } from 'drizzle-orm/pg-proxy'
import type { Database } from './database.ts'

/** Rejects as the driver there does, with the code of the error. */
export type Ask = (sql: string, params: readonly unknown[], rowMode: 'array' | 'object') => Promise<unknown[]>

type Transaction = <T>(work: (database: Database) => Promise<T>) => Promise<T>

export function remoteDatabase(ask: Ask): Database {
  const { whenFree, transact } = taking(ask)
  const database = over(whenFree)
  const transaction: Transaction = (work) => transact((inside) => work(over(inside)))
  // Drizzle's own says that it cannot. Nothing here rolls back by hand, which is all that its kind of database adds.
  return Object.assign(database, { transaction: transaction as Database['transaction'] })
}

function over(ask: Ask): Database {
  return drizzle(async (sql, params: unknown[], method) => ({
    rows: await ask(sql, params, method === 'all' ? 'array' : 'object'),
  }))
}

/** Turns on one connection: while a transaction has it, every other statement waits. */
function taking(ask: Ask) {
  let underWay: Promise<void> | undefined

  async function transact<T>(work: (inside: Ask) => Promise<T>): Promise<T> {
    while (underWay) await underWay
    let over = () => {}
    underWay = new Promise((resolve) => {
      over = resolve
    })
    try {
      await ask('begin', [], 'array')
      const result = await work(ask)
      await ask('commit', [], 'array')
      return result
    } catch (error) {
      await ask('rollback', [], 'array').catch(() => {})
      throw error
    } finally {
      underWay = undefined
      over()
    }
  }

  const whenFree: Ask = async (...statement) => {
    while (underWay) await underWay
    return ask(...statement)
  }
  return { whenFree, transact }
}
