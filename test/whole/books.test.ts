/** What is derived from the ledger is the ledger, whatever goes on meanwhile: on a real Postgres, at a million rows. */
import { setTimeout as sleep } from 'node:timers/promises'
import { sql } from 'drizzle-orm'
import connect from 'postgres'
import { afterEach, expect, test } from 'vitest'
import { type Data, dataIn } from '../../src/data/data.ts'
import { rowsOf } from '../../src/data/database.ts'
import { hoursIn } from '../../src/data/hours.ts'
import { migratePostgres, openPostgres } from '../../src/data/postgres.ts'
import { deriveAll, differences } from '../data/bookssuite.ts'
import { MIGRATIONS } from '../data/databases.ts'
import { wildRows } from '../data/manyrows.ts'
import { rowMaker } from '../data/rows.ts'
import { chance } from './chance.ts'
import { describeOnPostgres, postgresStage } from './onpostgres.ts'

const MILLION = 1_000_000
const SEED = 20_261_120

describeOnPostgres('the books', () => {
  const stage = postgresStage()
  const open: { close(): Promise<void> }[] = []
  afterEach(async () => {
    await Promise.all(open.splice(0).map((each) => each.close()))
  })

  function pool(url: string) {
    const opened = openPostgres(url)
    open.push(opened)
    return { ...opened, data: dataIn(opened.database, () => {}, { reports: opened.reports }) }
  }

  async function books(name: string) {
    const url = await stage.postgres.url(name)
    await migratePostgres(url, MIGRATIONS)
    return { url, ...pool(url) }
  }

  test('a million random rows and their hours are the same, to the nano-dollar; and again after some changed', async () => {
    const { database, data } = await books('million')
    // For searching only: making a million entries of each takes most of the time.
    await database.execute(sql`drop index requests_key, requests_user, requests_team, requests_session`)
    const took = stopwatch()
    await database.execute(wildRows({ rows: MILLION, seed: SEED, days: 4, before: new Date() }))
    const written = took()
    await deriveAll({ data, database })
    const derived = took()
    const [sums] = await rowsOf<{ rows: string; nano: string; hours: string; hours_nano: string }>(
      database,
      sql`select rows::text, nano::text, hours::text, hours_nano::text
        from (select count(*) as rows, sum(cost_nano) as nano from requests) as r,
          (select count(*) as hours, sum(cost_nano) as hours_nano from hours) as h`,
    )
    console.log(
      `rows ${sums?.rows}, nano-dollars ${sums?.nano}; hours ${sums?.hours}, nano-dollars ${sums?.hours_nano}; ` +
        `written in ${written} s, derived in ${derived} s (seed ${SEED})`,
    )
    expect(sums?.hours_nano).toBe(sums?.nano)
    expect(Number(sums?.rows)).toBe(MILLION)
    expect(await differences(database)).toEqual([])
    await database.execute(sql`update requests set status = 'succeeded', cost_nano = 1 + output_tokens, upstream = 'moved',
      written_at = statement_timestamp() where abs(hashtext(id)) % 50 = 0 and started_at > now() - interval '1 day'`)
    expect(await differences(database)).not.toEqual([])
    await deriveAll({ data, database })
    expect(await differences(database)).toEqual([])
  }, 400_000)

  test('a row of a transaction that was under way is not forgotten, however long it took', async () => {
    const { url, database, data } = await books('underway')
    const hours = hoursIn(database, 0)
    const derive = async () => {
      await database.execute(
        sql`update settings set value = value - 'restsUntil' where name = 'hours_derived'`,
      )
      expect(await hours.derive(100)).toMatchObject({ left: 0 })
    }
    const row = rowMaker()
    const slow = connect(url, { max: 1 })
    open.push({ close: () => slow.end() })
    await data.ledger.write(row({ costNano: 1 }))
    await slow.begin(async (inside) => {
      await inside`insert into requests (id, status, key_id, model, model_id, provider, upstream, region, stream, attempts,
        cost_nano, started_at, written_at) values ('req_slow', 'succeeded', 'key_slow', 'm', 'm', 'p', 'u', 'r', true, 1,
        100, ${row().startedAt}, statement_timestamp())`
      const began = Date.now()
      await sleep(50)
      await data.ledger.write(row({ costNano: 10 }))
      await derive()
      expect(await data.spending.spent({})).toBe(11)
      expect((await hours.asOf())?.getTime()).toBeLessThanOrEqual(began)
      await sleep(50)
      await derive()
    })
    expect(await data.spending.spent({})).toBe(111)
    await derive()
    expect(await differences(database)).toEqual([])
  })

  test('four that derive at once, while four write, keep out of one another’s way', async () => {
    const { url, database, data: whole } = await books('together')
    const pools = Array.from({ length: 4 }, () => pool(url).data)
    const dice = chance(SEED)
    const row = rowMaker()
    const until = Date.now() + 8_000
    const outcomes = { derived: 0, busy: 0, written: 0 }
    const deriver = async (data: Data) => {
      while (Date.now() < until) {
        await database.execute(
          sql`update settings set value = value - 'restsUntil' where name = 'hours_derived'`,
        )
        if (await data.hours.derive(10)) outcomes.derived++
        else outcomes.busy++
      }
    }
    const writer = async (data: Data, who: number) => {
      const mine = Array.from({ length: 200 }, () =>
        row({ keyId: `key_${who}`, startedAt: new Date(Date.now() - dice.below(20 * 3_600_000)) }),
      )
      while (Date.now() < until) {
        const some = Array.from({ length: 20 }, () => mine[dice.below(mine.length)] ?? row())
        const upstream = `upstream_${dice.below(3)}`
        const costNano = dice.below(1_000_000)
        await Promise.all(
          some.map((each) => data.ledger.write({ ...each, status: 'succeeded', upstream, costNano })),
        )
        outcomes.written += some.length
      }
    }
    await Promise.all([...pools.map(deriver), ...pools.map(writer)])
    console.log(
      `derived ${outcomes.derived} times, ${outcomes.busy} times another was at it; rows written ${outcomes.written}`,
    )
    expect(outcomes.derived).toBeGreaterThan(5)
    expect(outcomes.written).toBeGreaterThan(500)
    await deriveAll({ data: whole, database })
    expect(await differences(database)).toEqual([])
  }, 60_000)
})

/** Seconds since it was last asked. */
function stopwatch(): () => string {
  let since = performance.now()
  return () => {
    const took = performance.now() - since
    since = performance.now()
    return (took / 1_000).toFixed(1)
  }
}
