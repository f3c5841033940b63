/** What is derived from the ledger: hours, what is spent, reports. On every database. */
import { type SQL, sql } from 'drizzle-orm'
import fc from 'fast-check'
import { beforeAll, describe, expect, test } from 'vitest'
import type { Data } from '../../src/data/data.ts'
import { type Database, rowsOf } from '../../src/data/database.ts'
import type { LedgerRow } from '../../src/data/rows.ts'
import type { Spent } from '../../src/data/spending.ts'
import { GROUPINGS, type Grouping, type Sums, type UsageQuery, type UsageRow } from '../../src/data/usage.ts'
import { newId } from '../../src/protocol/ids.ts'
import { MODELS } from '../../src/protocol/models.ts'
import { wildRows } from './manyrows.ts'
import { ALL, rowMaker } from './rows.ts'

const HOUR = 3_600_000
/** Far from the rows of other tests. */
const BEGIN = Date.UTC(2026, 5, 1)
const DAYS = 3
const SEED = 20_261_120

interface Stage {
  data: Data
  database: Database
}

/** Everything is derived, whether or not it was derived a moment ago. */
export async function deriveAll({ data, database }: Stage) {
  await database.execute(sql`update settings set value = value - 'restsUntil' where name = 'hours_derived'`)
  const derived = await data.hours.derive(10_000)
  expect(derived).toMatchObject({ left: 0 })
}

/** Of rows and of hours, which must come to the same: every sum of each of the smallest groups. */
export async function differences(database: Database): Promise<readonly unknown[]> {
  return rowsOf(
    database,
    sql`with counted as (
      select date_trunc('hour', started_at, 'UTC') as hour, coalesce(day, (started_at at time zone 'UTC')::date) as day,
        coalesce(team_id, '') as team_id, coalesce(user_id, '') as user_id, key_id, upstream,
        case when session_id is null then 'other' when agent_id is null then 'main' else 'agent' end as session_class,
        count(*) as requests, count(*) filter (where status <> 'succeeded' and status <> 'pending') as failures,
        ${SUMS}, count(*) - count(cost_nano) as unpriced_requests,
        coalesce(sum(case when cost_nano is null then ${TOKENS} end), 0) as unpriced_tokens
      from requests group by 1, 2, 3, 4, 5, 6, 7
    ), derived as (
      select hour, day, team_id, user_id, key_id, upstream, session_class, sum(requests) as requests,
        sum(failures) as failures, ${SUMS}, sum(unpriced_requests) as unpriced_requests,
        sum(unpriced_tokens) as unpriced_tokens
      from hours group by 1, 2, 3, 4, 5, 6, 7
    )
    (select 'only in rows' as what, to_json(counted)::text as told from (table counted except table derived) as counted)
    union all
    (select 'only in hours', to_json(derived)::text from (table derived except table counted) as derived)
    limit 20`,
  )
}

const NAMES = [
  'input_tokens',
  'cache_read_tokens',
  'cache_write_5m_tokens',
  'cache_write_1h_tokens',
  'output_tokens',
]
const TOKENS = sql.raw(NAMES.join(' + '))
const SUMS = sql.raw(
  [...NAMES, 'web_searches', 'cost_nano']
    .map((name) => `coalesce(sum(${name}), 0)::numeric as ${name}`)
    .join(', '),
)

export function booksSuite(stage: () => Stage) {
  const pick = <const T>(...values: T[]) => fc.constantFrom(...values)
  const wild = fc.record({
    at: fc.integer({ min: 0, max: DAYS * 24 * HOUR - 1 }),
    keyId: pick('key_a', 'key_b', 'key_c'),
    userId: pick(null, 'user_a', 'user_b'),
    teamId: pick(null, 'team_a', 'team_b'),
    modelId: pick(
      'us.anthropic.claude-haiku-4-5-20251001-v1:0',
      'claude-opus-5-5',
      'global.anthropic.claude-opus-5',
    ),
    upstream: pick('default', 'spare'),
    status: pick('pending' as const, 'succeeded', 'succeeded', 'refused', 'cancelled', 'lost'),
    sessionId: pick(null, 'session'),
    agentId: pick(null, 'agent'),
    day: pick(undefined, '2026-06-01', '2026-06-02'),
    costNano: fc.option(fc.integer({ min: 0, max: 5_000_000_000 })),
    inputTokens: fc.nat(1_000_000),
    outputTokens: fc.nat(1_000_000),
  })
  const rows: LedgerRow[] = fc.sample(wild, { seed: SEED, numRuns: 600 }).map(({ at, day, ...rest }) => ({
    ...rowMaker()(rest),
    id: newId('req', BEGIN + at),
    startedAt: new Date(BEGIN + at),
    ...(day === undefined ? {} : { day }),
  }))
  const write = (some: readonly LedgerRow[]) =>
    Promise.all(some.map((each) => stage().data.ledger.write(each)))

  describe('hours', () => {
    beforeAll(() => write(rows))

    test('are the sum of their rows, in every group', async () => {
      const { database } = stage()
      await deriveAll(stage())
      expect(await differences(database)).toEqual([])
      const [sums] = await rowsOf<{ rows: string }>(
        database,
        sql`select sum(requests)::text as rows from hours where key_id like 'key__'`,
      )
      expect(Number(sums?.rows)).toBeGreaterThanOrEqual(rows.length)
    })

    test('are right again after rows that came late, ended, or were put right by hand', async () => {
      const { database } = stage()
      await deriveAll(stage())
      const pending = rows.filter(({ status }) => status === 'pending').slice(0, 20)
      await write(pending.map((row) => ({ ...row, status: 'succeeded', costNano: 77, upstream: 'another' })))
      await write([
        rowMaker()({ id: newId('req', BEGIN), startedAt: new Date(BEGIN + 5), keyId: 'key_late' }),
      ])
      await database.execute(
        sql`update requests set cost_nano = 1, written_at = statement_timestamp() where key_id = 'key_b'`,
      )
      await database.execute(
        sql`update requests set team_id = 'team_moved', written_at = statement_timestamp() where key_id = 'key_c'`,
      )
      expect(await differences(database)).not.toEqual([])
      await deriveAll(stage())
      expect(await differences(database)).toEqual([])
    })

    test('rest after they were derived, and say how far they have come', async () => {
      const { data } = stage()
      await deriveAll(stage())
      expect(await data.hours.derive(10_000)).toBeUndefined()
      const asOf = (await data.hours.asOf())?.getTime() ?? 0
      expect(Date.now() - asOf).toBeGreaterThan(5_000)
      expect(Date.now() - asOf).toBeLessThan(60_000)
    })

    test('are derived some at a time where there are many', async () => {
      const { data, database } = stage()
      await database.execute(sql`delete from hours`)
      await database.execute(sql`delete from settings where name = 'hours_derived'`)
      const first = await data.hours.derive(5)
      expect(first).toMatchObject({ hours: 5 })
      expect(first?.left).toBeGreaterThan(20)
      expect(await data.hours.asOf()).toBeUndefined()
      await deriveAll(stage())
      expect(await differences(database)).toEqual([])
    })

    test('know every model by its plain name, whatever a provider calls it', async () => {
      const { database } = stage()
      const called = MODELS.flatMap(({ name, dated, bedrockId, profiles }) => [
        ...[bedrockId, ...profiles.map((each) => `${each}.${bedrockId}`)].flatMap((modelId) => [
          { modelId, name },
          { modelId: `arn:aws:bedrock:us-east-1:123456789012:inference-profile/${modelId}`, name },
        ]),
        { modelId: dated ? `${name}@${dated}` : `${name}@default`, name },
        { modelId: dated ? `${name}-${dated}` : name, name },
      ])
      const other = 'arn:aws:bedrock:us-east-1:123456789012:application-inference-profile/a1b2'
      const row = rowMaker()
      await write(
        [...called, { modelId: other, name: other }].map(({ modelId, name }) =>
          row({ modelId, model: name }),
        ),
      )
      await database.execute(
        sql`update requests set key_id = 'key_' || model where model like 'claude%' or model like 'arn%'`,
      )
      await deriveAll(stage())
      const derived = await rowsOf<{ key_id: string; model: string; requests: string }>(
        database,
        sql`select key_id, model, sum(requests)::text as requests from hours
          where key_id like 'key_claude%' or key_id like 'key_arn%' group by 1, 2`,
      )
      expect(derived.map(({ key_id, model }) => [key_id, model]).toSorted()).toEqual(
        [...MODELS.map(({ name }) => name), other].map((name) => [`key_${name}`, name]).toSorted(),
      )
      expect(called.length).toBeGreaterThan(100)
    })
  })

  describe('what is spent', () => {
    const MINE = sql`key_id in ('key_a', 'key_b', 'key_c')`
    const day = pick('2026-05-31', '2026-06-01', '2026-06-02', '2026-06-03', '2026-06-30')
    const spans = fc.oneof(
      fc.constant({}),
      fc.tuple(day, day).map(([from, to]) => ({ days: { from, to } })),
      fc.integer({ min: -HOUR, max: DAYS * 24 * HOUR }).map((at) => ({ since: new Date(BEGIN + at) })),
      fc.nat(DAYS * 24).map((hours) => ({ since: new Date(BEGIN + hours * HOUR) })),
    )
    const asked = fc
      .tuple(
        fc.record(
          {
            teamId: pick('team_a', 'team_b', 'team_none'),
            userId: pick('user_a', 'user_b'),
            model: pick('claude-opus-*', '*', 'claude-haiku-4-5', '*_*', '%', 'CLAUDE*'),
          },
          { requiredKeys: [] },
        ),
        pick('key_a', 'key_b', 'key_c'),
        spans,
      )
      .map(([who, keyId, span]): Spent => ({ ...who, keyId, ...span }))

    /** Row by row, by other words. */
    async function counted({ teamId, userId, keyId, model, days, since }: Spent): Promise<number> {
      const also: SQL[] = [MINE, sql`key_id = ${keyId}`]
      if (teamId) also.push(sql`team_id = ${teamId}`)
      if (userId) also.push(sql`user_id = ${userId}`)
      if (since) also.push(sql`started_at >= ${since.toISOString()}::timestamptz`)
      if (days)
        also.push(sql`coalesce(day::text, left(started_at::text, 10)) between ${days.from} and ${days.to}`)
      const found = await rowsOf<{ model_id: string; nano: string }>(
        stage().database,
        sql`select model_id, sum(cost_nano)::text as nano from requests where ${sql.join(also, sql` and `)} group by 1`,
      )
      const pattern = (model ?? '*')
        .split('*')
        .map((part) => part.replaceAll(/\W/g, '\\$&'))
        .join('.*')
      const plain = (id: string) => id.replace(/^.*anthropic\./, '').replace(/-20251001-v1:0$/, '')
      return found
        .filter(({ model_id }) => new RegExp(`^${pattern}$`).test(plain(model_id)))
        .reduce((sum, { nano }) => sum + Number(nano ?? 0), 0)
    }

    const agrees = (runs: number) =>
      fc.assert(
        fc.asyncProperty(asked, async (of) => {
          expect(await stage().data.spending.spent(of), JSON.stringify(of)).toBe(await counted(of))
        }),
        { numRuns: runs, seed: SEED },
      )

    test('is what the rows say, before any hour is derived', async () => {
      const { database } = stage()
      await database.execute(sql`delete from hours`)
      await database.execute(sql`delete from settings where name = 'hours_derived'`)
      await agrees(60)
    })

    test('is what the rows say when hours are derived, and at once after more was written', async () => {
      const { database } = stage()
      await deriveAll(stage())
      await agrees(100)
      await database.execute(
        sql`update requests set written_at = statement_timestamp(), cost_nano = cost_nano + 13
          where id in (select id from requests where ${MINE} order by id desc limit 40)`,
      )
      await agrees(60)
      const all = await stage().data.spending.spent({})
      await write([rowMaker()({ costNano: 1_000, startedAt: new Date(BEGIN) })])
      expect(await stage().data.spending.spent({})).toBe(all + 1_000)
    })

    test('comes from the hours where nothing was written since, which rows then cannot change', async () => {
      const { data, database } = stage()
      await deriveAll(stage())
      const old = { keyId: 'key_old' }
      const at = new Date(BEGIN - 48 * HOUR)
      await write([rowMaker()({ ...old, costNano: 5, startedAt: at })])
      // Written long ago, and derived since.
      await database.execute(sql`update requests set written_at = '2026-06-01' where key_id = 'key_old'`)
      await database.execute(sql`insert into hours (hour, day, team_id, user_id, key_id, model, upstream, session_class,
        requests, failures, cost_nano, derived_at) values (date_trunc('hour', ${at.toISOString()}::timestamptz, 'UTC'),
        '2026-05-30', '', '', 'key_old', 'm', 'default', 'other', 1, 0, 42, '2026-06-02')`)
      expect(await data.spending.spent(old)).toBe(42)
      await database.execute(
        sql`update requests set written_at = statement_timestamp() where key_id = 'key_old'`,
      )
      expect(await data.spending.spent(old)).toBe(5)
    })
  })

  describe('reports', () => {
    const NOBODY: UsageQuery = {
      by: [],
      from: '2026-05-01',
      to: '2026-07-30',
      owners: ALL,
      offset: 0,
      limit: 10_000,
    }
    const report = async (more: Partial<UsageQuery>) => {
      const { parts, ...rest } = await stage().data.usage.report({ ...NOBODY, ...more })
      return { ...rest, rows: [...parts()].flat() }
    }
    const total = (parts: readonly UsageRow[], of: keyof Sums) =>
      parts.reduce((sum, each) => sum + each[of], 0)
    beforeAll(() => deriveAll(stage()))

    test('come to the same however they are grouped, and to what is spent', async () => {
      const { data } = stage()
      const groupings = fc.subarray(Object.keys(GROUPINGS) as Grouping[])
      const filters = fc.record(
        {
          team: pick('team_a', 'team_none'),
          user: pick('user_a', 'user_b'),
          key: pick('key_a', 'key_b'),
          model: pick('claude-opus-*', 'claude-haiku-4-5', '*'),
          from: pick('2026-06-01', '2026-06-02'),
          to: pick('2026-06-02', '2026-06-03'),
        },
        { requiredKeys: [] },
      )
      await fc.assert(
        fc.asyncProperty(groupings, filters, async (by, filter) => {
          const { rows: found, totals, groups, asOf } = await report({ by, ...filter })
          const { team: teamId, user: userId, key: keyId, model, from, to } = { ...NOBODY, ...filter }
          expect(totals.costNano).toBe(
            await data.spending.spent({ teamId, userId, keyId, model, days: { from, to } }),
          )
          expect(asOf).toBeInstanceOf(Date)
          expect(found).toHaveLength(groups)
          if (by.length === 0) return
          for (const name of Object.keys(totals) as (keyof Sums)[])
            expect(total(found, name)).toBe(totals[name])
          const keys = found.map(({ group }) => JSON.stringify(by.map((each) => group[each])))
          expect(new Set(keys).size).toBe(keys.length)
        }),
        { numRuns: 60, seed: SEED },
      )
    })

    test('show the older first, and of one time the more expensive; pages put together are the whole', async () => {
      const by: Grouping[] = ['team', 'day', 'model']
      const { rows: whole, groups } = await report({ by })
      const places = whole.map(({ group, costNano }) => [group.day ?? '', -costNano] as const)
      expect(places).toEqual(places.toSorted(([a, x], [b, y]) => (a === b ? x - y : a < b ? -1 : 1)))
      const pages: UsageRow[] = []
      while (pages.length < groups) {
        const page = await report({ by, offset: pages.length, limit: 7 })
        expect(page.totals).toEqual((await report({ by })).totals)
        expect(page.rows.length).toBeGreaterThan(0)
        pages.push(...page.rows)
      }
      expect(pages.map(({ group }) => group)).toEqual(whole.map(({ group }) => group))
      expect(groups).toBeGreaterThan(14)
    })

    test('weeks begin on Mondays; hours are in UTC', async () => {
      const { rows: weeks } = await report({ by: ['week'] })
      for (const { group } of weeks) expect(new Date(group.week ?? '').getUTCDay()).toBe(1)
      const { rows: hours } = await report({ by: ['hour'], key: 'key_a' })
      expect(hours[0]?.group.hour).toMatch(/^2026-06-0\dT\d\d:00:00Z$/)
    })

    test('reach as far as their owners do', async () => {
      const by: Grouping[] = ['team', 'user']
      const groupsOf = async (owners: Partial<UsageQuery['owners']>) =>
        (await report({ by, owners: { all: false, teams: [], userId: undefined, ...owners } })).rows.map(
          ({ group }) => group,
        )
      expect(await groupsOf({})).toEqual([])
      const led = await groupsOf({ teams: ['team_a'] })
      expect(led.length).toBeGreaterThan(0)
      for (const { team } of led) expect(team).toBe('team_a')
      const own = await groupsOf({ userId: 'user_a' })
      expect(own.length).toBeGreaterThan(1)
      for (const { user } of own) expect(user).toBe('user_a')
      const both = await groupsOf({ teams: ['team_a'], userId: 'user_a' })
      expect(both.every(({ team, user }) => team === 'team_a' || user === 'user_a')).toBe(true)
      expect(both.length).toBeGreaterThan(Math.max(led.length, own.length))
    })

    test('name what has a name', async () => {
      const { database } = stage()
      await database.execute(
        sql`insert into teams (id, name, created_at) values ('team_a', 'The "A" team', now())`,
      )
      const { rows: found } = await report({ by: ['team', 'key'] })
      for (const { group, names } of found) {
        expect(names).toEqual(group.team === 'team_a' ? { team: 'The "A" team' } : {})
      }
    })
  })

  describe('retention', () => {
    const DAY = 24 * HOUR
    const KEPT = { rows: 400, hours: null }
    const ago = (days: number) => new Date(Math.floor(Date.now() / HOUR) * HOUR - days * DAY)
    const old = (days: number, keyId: string) =>
      Array.from({ length: 30 }, (_, index) =>
        rowMaker()({
          id: newId('req', ago(days).getTime() + index),
          startedAt: new Date(ago(days).getTime() + index),
          keyId,
          status: 'succeeded',
          costNano: 10 ** index % 997,
        }),
      )
    const left = async (keyId: string) => {
      const [rows] = await rowsOf<{ rows: string }>(
        stage().database,
        sql`select count(*)::text as rows from requests where key_id = ${keyId}`,
      )
      return Number(rows?.rows)
    }

    /** As after a while: what was written a moment ago may always have company that is not seen yet. */
    async function deriveLater() {
      const { database } = stage()
      await database.execute(
        sql`update requests set written_at = written_at - interval '1 minute' where started_at < ${ago(300).toISOString()}::timestamptz`,
      )
      await database.execute(sql`delete from settings where name = 'hours_derived'`)
      await deriveAll(stage())
    }

    test('deletes no row that is not in the hours yet', async () => {
      const { data } = stage()
      await deriveAll(stage())
      await write(old(500, 'key_500'))
      expect(await data.retention.prune(KEPT, 100)).toEqual({ rows: 0, hours: 0, more: false })
      expect(await left('key_500')).toBe(30)
    })

    test('deletes what is old enough once it is, and what was spent stays known', async () => {
      const { data } = stage()
      await write(old(399, 'key_399'))
      await deriveLater()
      const before = await data.spending.spent({})
      expect(await data.retention.prune(KEPT, 100)).toEqual({ rows: 30, hours: 0, more: false })
      expect([await left('key_500'), await left('key_399')]).toEqual([0, 30])
      expect(await data.spending.spent({})).toBe(before)
      expect(await data.spending.spent({ keyId: 'key_500' })).toBeGreaterThan(0)
    })

    test('an hour whose rows are gone is not derived from a row that comes a year late', async () => {
      const { data } = stage()
      const before = await data.spending.spent({ keyId: 'key_500' })
      await write(old(500, 'key_500').slice(0, 1))
      await deriveAll(stage())
      expect(await data.spending.spent({ keyId: 'key_500' })).toBe(before)
      expect(await data.retention.prune(KEPT, 100)).toMatchObject({ rows: 1 })
    })

    test('goes batch by batch, and says when there is more', async () => {
      const { data, database } = stage()
      await database.execute(wildRows({ rows: 6_000, seed: SEED, days: 1, before: ago(410) }))
      await database.execute(sql`delete from settings where name = 'hours_sealed'`)
      await deriveLater()
      expect(await data.retention.prune(KEPT, 1)).toEqual({ rows: 5_000, hours: 0, more: true })
      expect(await data.retention.prune(KEPT, 1)).toEqual({ rows: 1_000, hours: 0, more: false })
    })

    test('takes hours after longer, and never while their rows are there', async () => {
      const { data } = stage()
      expect(await data.retention.prune({ rows: 400, hours: 450 }, 100)).toMatchObject({ rows: 0 })
      expect(await data.spending.spent({ keyId: 'key_500' })).toBe(0)
      expect(await data.spending.spent({ days: { from: day(412), to: day(409) } })).toBeGreaterThan(0)
      const early = { rows: 380, hours: 100 }
      await data.retention.prune(early, 100)
      expect(await data.spending.spent({ keyId: 'key_399' })).toBe(0)
      expect(await data.spending.spent({ keyId: 'key_a' })).toBeGreaterThan(0)
    })

    const day = (days: number) => ago(days).toISOString().slice(0, 10)
  })
}
