/** Reports, the ledger and its retention through the admin API, on the embedded database. */
import { sql } from 'drizzle-orm'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { app } from '../../src/app.ts'
import { type Data, dataIn } from '../../src/data/data.ts'
import type { OpenDatabase } from '../../src/data/database.ts'
import { everyHour, everyMinute } from '../../src/jobs.ts'
import { fromCsv } from '../../src/protocol/csv.ts'
import { deriveAll } from '../data/bookssuite.ts'
import { inMemory } from '../data/databases.ts'
import { wildRows } from '../data/manyrows.ts'
import { rowMaker } from '../data/rows.ts'
import { ADMIN_TOKEN, testRuntime } from '../runtime.ts'

let opened: OpenDatabase
let data: Data
beforeAll(async () => {
  opened = await inMemory()
  data = dataIn(opened.database, () => {})
  await opened.database.execute(
    wildRows({ rows: 3_000, seed: 11, days: 20, before: new Date('2026-11-20T00:00:00Z') }),
  )
  await deriveAll({ data, database: opened.database })
})
afterAll(() => opened.close())

function ask(path: string, { method = 'GET', body }: { method?: string; body?: unknown } = {}) {
  const headers = { authorization: `Bearer ${ADMIN_TOKEN}`, 'content-type': 'application/json' }
  const sent = body === undefined ? {} : { body: JSON.stringify(body) }
  return app.request(`/admin${path}`, { method, headers, ...sent }, testRuntime({ data }))
}

interface Report {
  as_of: string | null
  from: string
  to: string
  by: string[]
  data: (Record<string, unknown> & { cost_nano: number; requests: number })[]
  next: string | null
  totals: { requests: number; failures: number; cost_nano: number; usage: { output: number } }
}
const report = async (query: string) => (await (await ask(`/usage?${query}`)).json()) as Report
const sheet = async (query: string) => {
  const [header = { fields: [] }, ...lines] = fromCsv(await (await ask(`/usage.csv?${query}`)).text())
  return lines.map(({ fields }) =>
    Object.fromEntries(header.fields.map((name, index) => [name, fields[index] ?? ''])),
  )
}

describe('a report', () => {
  test('comes to what the ledger has, as JSON and as CSV, to the nano-dollar', async () => {
    const [truth] = (await opened.database.execute(
      sql`select sum(cost_nano)::text as nano, count(*)::text as rows from requests`,
    )) as unknown as { nano: string; rows: string }[]
    for (const by of ['day', 'team,user,model', 'month,upstream,session_class', 'week,key', '']) {
      const query = `by=${by}&from=2026-10-01&to=2026-11-30&limit=5000`
      const { totals, data: rows } = await report(query)
      expect([totals.cost_nano, totals.requests]).toEqual([Number(truth?.nano), Number(truth?.rows)])
      const lines = await sheet(query)
      const sum = (name: string) => lines.reduce((all, line) => all + BigInt(line[name] ?? 'none'), 0n)
      expect([sum('cost_nano'), sum('requests')]).toEqual([BigInt(totals.cost_nano), BigInt(totals.requests)])
      expect([sum('output_tokens'), sum('failures')]).toEqual([
        BigInt(totals.usage.output),
        BigInt(totals.failures),
      ])
      expect(lines.reduce((all, line) => all + BigInt((line['cost_usd'] ?? '').replace('.', '')), 0n)).toBe(
        BigInt(totals.cost_nano),
      )
      if (by !== '') expect(rows).toHaveLength(lines.length)
    }
  })

  test('says what it is about: the last thirty days, by day, unless asked otherwise', async () => {
    expect(await report('')).toMatchObject({ by: ['day'], from: '2026-10-23', to: '2026-11-21', next: null })
    expect(await report('by=team&to=2026-11-10')).toMatchObject({ by: ['team'], from: '2026-10-12' })
    expect(Date.parse((await report('')).as_of ?? '')).toBeGreaterThan(Date.now() - 3_600_000)
  })

  test('is given a page at a time, what belongs to nobody as null', async () => {
    const query = 'by=team,user&from=2026-10-01&to=2026-11-30'
    const whole = await report(query)
    const pages: Report['data'] = []
    for (let cursor: string | null = ''; cursor !== null; ) {
      const page: Report = await report(`${query}&limit=10${cursor === '' ? '' : `&cursor=${cursor}`}`)
      pages.push(...page.data)
      cursor = page.next
    }
    expect(pages).toEqual(whole.data)
    expect(pages.length).toBeGreaterThan(20)
    expect(pages).toContainEqual(expect.objectContaining({ team: null, team_name: null, user: null }))
  })

  test('is a file that no spreadsheet takes for a program', async () => {
    const row = rowMaker()({ status: 'succeeded', modelId: '=cmd|1', keyId: 'key_formula' })
    await data.ledger.write(row)
    await deriveAll({ data, database: opened.database })
    const answer = await ask('/usage.csv?by=model&key=key_formula&from=2026-11-01&to=2026-11-30')
    expect(answer.headers.get('content-type')).toBe('text/csv; charset=utf-8')
    expect(answer.headers.get('content-disposition')).toBe(
      'attachment; filename="usage-2026-11-01-2026-11-30.csv"',
    )
    expect((await answer.text()).split('\r\n')[1]).toMatch(/^'=cmd\|1,1,/)
  })
})

describe('the ledger', () => {
  test('is asked for one request, with who paid for it and on which day', async () => {
    const row = rowMaker()({
      status: 'succeeded',
      userId: 'user_9',
      teamId: 'team_9',
      regionClass: 'us',
      budgetId: 'budget_1',
      budgetAction: 'slow',
    })
    await data.ledger.write(row)
    const told = {
      id: row.id,
      user_id: 'user_9',
      team_id: 'team_9',
      region_class: 'us',
      budget_id: 'budget_1',
      budget_action: 'slow',
      day: '2026-11-20',
    }
    expect(await (await ask(`/requests/${row.id}`)).json()).toMatchObject(told)
    expect((await ask('/requests/req_none')).status).toBe(404)
    for (const filter of ['user=user_9', 'team=team_9']) {
      const { data: rows } = (await (await ask(`/requests?${filter}&upstream=default`)).json()) as Report
      expect(rows).toMatchObject([told])
    }
    const { data: none } = (await (await ask('/requests?user=user_9&upstream=other')).json()) as Report
    expect(none).toEqual([])
  })
})

test('how long the ledger is kept is asked for and changed', async () => {
  expect(await (await ask('/retention')).json()).toEqual({ rows_days: 400, hours_days: null })
  const body = { rows_days: 200, hours_days: 800 }
  expect(await (await ask('/retention', { method: 'PUT', body })).json()).toEqual(body)
  expect(await (await ask('/retention')).json()).toEqual(body)
})

test('by the clock: each minute what was written comes into the reports, each hour what is old goes', async () => {
  const { database } = opened
  const old = new Date(Date.now() - 420 * 86_400_000)
  const row = rowMaker()({ status: 'succeeded', keyId: 'key_clock', costNano: 7, startedAt: old })
  await data.ledger.write(row)
  const runtime = testRuntime({ data, now: Date.now })
  const reported = async () => {
    const day = old.toISOString().slice(0, 10)
    return (await report(`by=key&key=key_clock&from=${day}&to=${day}`)).totals.cost_nano
  }
  expect(await reported()).toBe(0)
  const asIfLater = async (minutes: number) => {
    await database.execute(sql`update settings set value = value - 'restsUntil' where name = 'hours_derived'`)
    await database.execute(
      sql`update requests set written_at = written_at - ${minutes}::int * interval '1 minute' where id = ${row.id}`,
    )
  }
  await asIfLater(0)
  await everyMinute(runtime)
  expect(await reported()).toBe(7)
  await asIfLater(5)
  await everyMinute(runtime)
  await everyHour(runtime)
  expect(await data.ledger.byId(row.id)).toBeUndefined()
  expect(await reported()).toBe(7)
  expect(runtime.lines.map(({ message }) => message)).toContain('what the ledger no longer keeps is deleted')
})
