/** What the gateway looks at each minute, and what it tells of it: once, and only where there is something to tell. */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { newBacklog } from '../../src/data/backlog.ts'
import type { LedgerRow } from '../../src/data/rows.ts'
import {
  watchBacklog,
  watchErrors,
  watchKeys,
  watchPrices,
  watchQuarantine,
} from '../../src/gateway/watch.ts'
import { everyHour, everyMinute } from '../../src/jobs.ts'
import { rowMaker } from '../data/rows.ts'
import { noticeStage, type Stage } from '../notify/stage.ts'
import { testRuntime } from '../runtime.ts'

let stage: Stage
beforeAll(async () => {
  stage = await noticeStage()
})
beforeEach(() => stage.clear())
afterAll(() => stage.close())

const row = rowMaker()
const told = () => stage.data.notices.find({ limit: 100 })

async function requests(many: number, more: Partial<LedgerRow>) {
  const rows = Array.from({ length: many }, () => row({ startedAt: new Date(), costNano: 0, ...more }))
  await Promise.all(rows.map((each) => stage.data.ledger.write(each)))
}

describe('the share of requests that failed', () => {
  test('is told from a tenth on, once an hour, and once more when it is half', async () => {
    await requests(18, { status: 'succeeded' })
    await requests(1, { status: 'refused', errorType: 'overloaded_error' })
    await watchErrors(stage.replica())
    expect(await told()).toEqual([])
    await requests(2, { status: 'failed_midstream' })
    await watchErrors(stage.replica())
    await watchErrors(stage.replica())
    expect(await told()).toMatchObject([
      {
        kind: 'error_rate',
        severity: 'warning',
        sentence: "14 % of the requests to the upstream 'default' failed: 3 of 21 in the last five minutes.",
        detail: { upstream: 'default', failures: 3, requests: 21, percent: 14 },
      },
    ])
    await requests(20, { status: 'lost' })
    await watchErrors(stage.replica())
    expect((await told()).map(({ severity }) => severity)).toEqual(['critical', 'warning'])
  })

  test('is not told where there were few requests, where callers were wrong, or where it is long ago', async () => {
    await requests(19, { status: 'failed_midstream' })
    await requests(50, { status: 'refused', errorType: 'invalid_request_error', upstream: 'second' })
    await requests(50, {
      status: 'failed_midstream',
      upstream: 'third',
      startedAt: new Date(Date.now() - 600_000),
    })
    await requests(50, { status: 'pending', upstream: 'fourth' })
    await watchErrors(stage.replica())
    expect(await told()).toEqual([])
  })
})

test('usage without a price is told once for a model and day', async () => {
  await requests(3, {
    status: 'succeeded',
    costNano: null,
    modelId: 'us.anthropic.claude-new',
    inputTokens: 5,
  })
  await requests(3, { status: 'pending', costNano: null, modelId: 'not yet over' })
  await requests(3, { status: 'succeeded', costNano: 0, modelId: 'free' })
  await watchPrices(stage.replica())
  await watchPrices(stage.replica())
  expect(await told()).toMatchObject([
    {
      kind: 'unpriced_usage',
      subject: `unpriced_usage:bedrock:us.anthropic.claude-new:${new Date().toISOString().slice(0, 10)}`,
      detail: { provider: 'bedrock', model: 'us.anthropic.claude-new', requests: 3, tokens: 15 },
    },
  ])
})

test('a key that expires is told with its name, its team and its time', async () => {
  const expiresAt = new Date(Date.UTC(2026, 10, 21, 12))
  const key = { id: 'key_1', name: 'CI', hint: 'oc_Ab12', userId: null, teamId: 'team_1', expiresAt } as const
  const stages = ['7d', '1d', 'expired'] as const
  const keys = stages.map((at) => ({ ...key, stage: at, subject: `subject ${at}` }))
  const runtime = testRuntime()
  const signs = { ...runtime.data.signs, expiringKeys: async () => keys }
  await watchKeys({ ...runtime, data: { ...runtime.data, signs } })
  expect(runtime.told).toMatchObject([
    {
      kind: 'key_expiring',
      severity: 'info',
      subject: 'subject 7d',
      teamId: 'team_1',
      sentence: "The key 'CI' (oc_Ab12…) expires within seven days, at 2026-11-21 12:00 UTC.",
      detail: { key: 'key_1', name: 'CI', user: null, expires_at: '2026-11-21T12:00:00.000Z' },
    },
    { kind: 'key_expiring', severity: 'warning', sentence: expect.stringContaining('within a day') },
    {
      kind: 'key_expired',
      severity: 'info',
      sentence: expect.stringContaining('expired at 2026-11-21 12:00 UTC'),
    },
  ])
})

test('rows in quarantine are told of', async () => {
  const runtime = testRuntime()
  const withRows = (rows: number) => ({
    ...runtime,
    data: { ...runtime.data, signs: { ...runtime.data.signs, quarantined: async () => rows } },
  })
  await watchQuarantine(withRows(0))
  expect(runtime.told).toEqual([])
  await watchQuarantine(withRows(3))
  await watchQuarantine(withRows(4))
  expect(runtime.told).toMatchObject([
    { kind: 'rows_quarantined', severity: 'critical', detail: { rows: 3 } },
  ])
})

test('rows that waited are told of when the database is back, by the most that waited', async () => {
  const backlog = newBacklog()
  const { saw } = backlog
  const plain = testRuntime()
  const runtime = { ...plain, data: { ...plain.data, ledger: { ...plain.data.ledger, backlog } } }
  saw(999)
  await watchBacklog(runtime)
  expect(runtime.told).toEqual([])
  saw(12_000)
  saw(3)
  const away = { ...runtime.data.notices, raise: () => Promise.reject(new Error('away')) }
  await expect(watchBacklog({ ...runtime, data: { ...runtime.data, notices: away } })).rejects.toThrow('away')
  await watchBacklog(runtime)
  await watchBacklog(runtime)
  expect(runtime.told).toMatchObject([{ kind: 'spool_growing', detail: { rows: 12_000 } }])
})

describe('by the clock', () => {
  test('a minute tells what there is and delivers it, whatever else of it fails', async () => {
    await stage.channel('/ops')
    await requests(30, { status: 'lost' })
    const runtime = stage.replica()
    const broken = { ...runtime.data.signs, unpriced: () => Promise.reject(new Error('no such column')) }
    await everyMinute({ ...runtime, data: { ...runtime.data, signs: broken } })
    expect(stage.inbox.posted.map(({ body }) => JSON.parse(body).kind)).toEqual(['error_rate'])
    expect(runtime.lines.filter(({ level }) => level === 'error')).toEqual([
      {
        level: 'error',
        message: 'a job by the clock failed',
        fields: { job: 'watchPrices', code: 'unknown' },
      },
    ])
  })

  test('an hour gives up what nobody took for a week, and forgets what is older than a year', async () => {
    const id = await stage.channel('/ops')
    await stage.raise()
    const later = (days: number) => stage.replica({ now: () => Date.now() + days * 86_400_000 })
    await everyHour(later(6))
    expect(await stage.data.deliveries.tally([id])).toMatchObject([{ state: 'waiting' }])
    await everyHour(later(8))
    expect(await stage.data.deliveries.tally([id])).toMatchObject([{ state: 'dead' }])
    expect(await told()).toHaveLength(1)
    await everyHour(later(401))
    expect(await told()).toEqual([])
    expect(await stage.data.deliveries.tally([id])).toEqual([])
  })
})
