/**
 * What is kept for how long. Rows go a batch at a time, so that no statement holds up the writers; and their hours are
 * sealed first, for an hour that was derived from what is left of its rows would be wrong.
 */
import { lt, type SQL, sql } from 'drizzle-orm'
import { type Database, rowsOf } from './database.ts'
import { DERIVED_UP_TO, SEALED, staleHours } from './hours.ts'
import { quarantine } from './tables/ledger.ts'

/** Days. */
export interface Kept {
  rows: number
  /** Never fewer than rows are; null is for ever. */
  hours: number | null
}

export interface Pruned {
  rows: number
  hours: number
  /** Whether there is more to delete than was to be done at once. */
  more: boolean
}

export interface Retention {
  /** Deletes what is older, in at most so many batches of each kind. Nothing that is not in the hours yet. */
  prune(kept: Kept, most: number): Promise<Pruned>
}

/** Rows of one statement; docs/ledger.md has what it takes. */
const BATCH = 5_000

export function retentionIn(database: Database): Retention {
  /** Batch after batch, until one is not full. */
  async function inBatches(most: number, batch: SQL): Promise<{ count: number; more: boolean }> {
    let count = 0
    for (let turn = 0; turn < most; turn++) {
      const [gone] = await rowsOf<{ count: string }>(
        database,
        sql`with gone as (${batch} returning 1) select count(*)::text as count from gone`,
      )
      count += Number(gone?.count ?? 0)
      if (Number(gone?.count ?? 0) < BATCH) return { count, more: false }
    }
    return { count, more: true }
  }

  return {
    async prune(kept, most) {
      const [derived] = await rowsOf<{ since: string | null }>(
        database,
        sql`select (${DERIVED_UP_TO})::text as since`,
      )
      const since = derived?.since ?? null
      if (since === null) return { rows: 0, hours: 0, more: false }
      await database.execute(seal(kept.rows, since))
      const rows = await inBatches(
        most,
        sql`delete from requests where id in (select id from requests where started_at < (${SEALED_BEFORE})
          order by started_at limit ${BATCH} for update skip locked)`,
      )
      const old =
        kept.hours === null ? undefined : await inBatches(most, oldHours(Math.max(kept.rows, kept.hours)))
      await database.delete(quarantine).where(lt(quarantine.at, daysAgo(kept.rows)))
      return { rows: rows.count, hours: old?.count ?? 0, more: rows.more || (old?.more ?? false) }
    },
  }
}

const SEALED_BEFORE = sql`select (value #>> '{}')::timestamptz from settings where name = ${SEALED}`

/** Up to the first hour that is still to be derived. Never back: what was deleted does not come again. */
function seal(days: number, derivedUpTo: string): SQL {
  return sql`
    insert into settings (name, value) select ${SEALED}, to_jsonb(
      least(date_trunc('hour', ${daysAgo(days)}, 'UTC'), (select min(hour) from (${staleHours(derivedUpTo)}) as stale))::text)
    on conflict (name) do update set value = excluded.value
      where (settings.value #>> '{}')::timestamptz < (excluded.value #>> '{}')::timestamptz`
}

function oldHours(days: number): SQL {
  return sql`delete from hours where ctid = any(array(
    select ctid from hours where hour < least(${daysAgo(days)}, (${SEALED_BEFORE})) limit ${BATCH}))`
}

function daysAgo(days: number): SQL {
  return sql`statement_timestamp() - ${days}::int * interval '1 day'`
}
