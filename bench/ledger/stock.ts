/** A Postgres with a ledger in it, as large as is wished for, and its hours derived. */
import { type SQL, sql } from 'drizzle-orm'
import { dataIn } from '../../src/data/data.ts'
import type { Database } from '../../src/data/database.ts'
import { migratePostgres, openPostgres } from '../../src/data/postgres.ts'
import { MIGRATIONS } from '../../test/data/databases.ts'
import { usualRows } from '../../test/data/manyrows.ts'
import type { Postgres } from '../../test/services/postgres.ts'

export interface Stocked {
  url: string
  /** Seconds that filling it took, and deriving the hours of all of it. */
  filled: number
  derived: number
}

const CHUNK = 500_000
/** Requests of a developer in an hour at work, where there are not so many that all are at work. */
const PACE = 10
const SEED = 20_261_120
export const DAYS = 90

/** Made at once they take a third of the time that they take row by row. */
const INDEXES = ['requests_key', 'requests_user', 'requests_team', 'requests_session']

export async function stock(postgres: Postgres, rows: number, say: (line: string) => void): Promise<Stocked> {
  const url = await postgres.url('stocked')
  await migratePostgres(url, MIGRATIONS)
  const { database, close } = openPostgres(url)
  try {
    const began = performance.now()
    await withoutIndexes(database, async () => {
      const parts = Math.ceil(rows / CHUNK)
      const now = Date.now()
      const atWork = Math.max(1, Math.min(100, Math.round(rows / (DAYS * 24 * PACE))))
      for (let part = 0; part < parts; part++) {
        const count = Math.min(CHUNK, rows - part * CHUNK)
        const before = new Date(now - ((parts - part - 1) * DAYS * 86_400_000) / parts)
        const many = { rows: count, seed: SEED + part, days: DAYS / parts, before }
        await database.execute(usualRows(many, atWork))
        if (part % 4 === 3) say(`${part * CHUNK + count} rows`)
      }
    })
    const filled = performance.now()
    await deriveAll(database)
    const derived = performance.now()
    await database.execute(sql`analyze`)
    return { url, filled: (filled - began) / 1_000, derived: (derived - filled) / 1_000 }
  } finally {
    await close()
  }
}

async function withoutIndexes(database: Database, work: () => Promise<void>) {
  const all = database
    .select({ name: sql<string>`indexname`, made: sql<string>`indexdef` })
    .from(sql`pg_indexes`)
  const taken = (await all).filter(({ name }) => INDEXES.includes(name))
  for (const { name } of taken) await database.execute(drop(name))
  await work()
  for (const { made } of taken) await database.execute(sql.raw(made))
}

function drop(index: string): SQL {
  return sql.raw(`drop index ${index}`)
}

async function deriveAll(database: Database) {
  const { hours } = dataIn(database, () => {})
  for (;;) {
    const done = await hours.derive(500)
    if (!done) throw new Error('somebody else derives the hours')
    if (done.left === 0) return
  }
}
