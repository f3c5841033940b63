import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { app } from '../../src/app.ts'
import { dataIn } from '../../src/data/data.ts'
import type { OpenDatabase } from '../../src/data/database.ts'
import { requestsIn } from '../../src/data/requests.ts'
import { type LedgerRow, written } from '../../src/data/rows.ts'
import { pricesOf } from '../../src/gateway/prices.ts'
import { pinnedEgress } from '../../src/host/egress.ts'
import { NO_USAGE } from '../../src/protocol/messages.ts'
import { inMemory } from '../data/databases.ts'
import { rowMaker } from '../data/rows.ts'
import { type FakePriceList, modelLines, startFakePriceList } from '../fakes/pricelist.ts'
import { ADMIN_TOKEN, type TestRuntime, testRuntime } from '../runtime.ts'

let opened: OpenDatabase
let list: FakePriceList
let runtime: TestRuntime
beforeAll(async () => {
  opened = await inMemory()
  list = await startFakePriceList()
})
afterAll(() => Promise.all([opened.close(), list.close()]))
beforeEach(async () => {
  await opened.database.execute('truncate prices, requests, settings')
  const fresh = testRuntime()
  runtime = testRuntime({
    data: dataIn(opened.database, fresh.log),
    egress: pinnedEgress({ loopback: true }),
    env: { PRICE_LIST_URL: list.url },
  })
})

interface Sent {
  method?: string
  body?: unknown
  type?: string
}

async function ask(path: string, { method, body, type = 'application/json' }: Sent = {}) {
  const text = typeof body === 'string' ? body : JSON.stringify(body)
  const response = await app.request(
    `/admin/prices${path}`,
    {
      method: method ?? (body === undefined ? 'GET' : 'POST'),
      headers: { 'content-type': type, authorization: `Bearer ${ADMIN_TOKEN}` },
      ...(body === undefined ? {} : { body: text }),
    },
    runtime,
  )
  const said = await response.text()
  const isJson = response.headers.get('content-type')?.includes('json')
  return { status: response.status, text: said, json: isJson ? (JSON.parse(said) as Answer) : ({} as Answer) }
}

interface Answer {
  [name: string]: unknown
  data: Shown[]
  error: { type: string; message: string }
}

interface Shown {
  [name: string]: unknown
  id: string
  model: string
}

const opus = {
  model: 'claude-opus-5-5',
  usd_per_million: { input: '3.5', output: 17.5, cache_read: '0.175' },
}
const effective = async (model = 'claude-opus-5-5', query = '') =>
  (await ask(`?${query}`)).json.data.find((each) => each.model === model)

async function opusCosts(): Promise<number | undefined> {
  const book = await pricesOf(runtime)
  const ran = { provider: 'bedrock', model: 'claude-opus-5-5', regionClass: 'global' }
  return book.charge({ ...NO_USAGE, input: 1_000_000 }, ran, runtime.clock.now)
}

async function audit(): Promise<string[]> {
  const entries = await runtime.data.audit.find({ action: 'price', limit: 50 })
  return entries.map(({ action }) => action)
}

describe('a price', () => {
  test('that an admin says holds at once, with an example; archived, the shipped one holds again', async () => {
    expect(await opusCosts()).toBe(4_000_000_000)
    const made = await ask('', { body: opus })
    expect(made.status).toBe(201)
    expect(made.json).toMatchObject({
      id: expect.stringMatching(/^price_/),
      provider: null,
      region_class: null,
      tier: 'standard',
      from: '2026-11-20',
      usd_per_million: {
        input: '3.50',
        output: '17.50',
        cache_read: '0.175',
        cache_write_5m: '4.375',
        cache_write_1h: '7.00',
      },
      source: 'admin',
      created_by: 'root',
      example:
        'At this price a request of 100,000 input and 1,000 output tokens costs $0.3675. ' +
        'With the shipped price of claude-opus-5-5 it costs $0.42.',
    })
    expect(await opusCosts()).toBe(3_500_000_000)
    expect(await effective()).toMatchObject({ source: 'admin', over: [{ source: 'shipped' }] })
    const gone = await ask(`/${made.json['id']}`, { method: 'DELETE' })
    expect(gone.status).toBe(204)
    expect(await opusCosts()).toBe(4_000_000_000)
    expect((await ask(`/${made.json['id']}`, { method: 'DELETE' })).status).toBe(404)
    expect((await ask('/overrides')).json.data).toMatchObject([{ archived_at: expect.any(String) }])
  })

  test.each([
    [
      { ...opus, usd_per_million: { input: '0.000004', output: '0.00002', cache_read: '0.000001' } },
      'per token',
    ],
    [
      { ...opus, usd_per_million: { ...opus.usd_per_million, input: -1 } },
      'usd_per_million.input: Input should be',
    ],
    [{ ...opus, usd_per_million: { ...opus.usd_per_million, input: '0' } }, 'say free: true'],
    [{ ...opus, usd_per_million: { ...opus.usd_per_million, cache_read: '5' } }, 'costs $0.42'],
    [{ ...opus, model: 'eu.anthropic.claude-opus-5-5' }, 'plain name'],
    [{ ...opus, from: '2026-13-01' }, 'from: '],
    [{ ...opus, prize: 1 }, 'prize'],
    [{ ...opus, usd_per_million: { input: '1' } }, 'usd_per_million.output'],
  ])('%j is refused: %s', async (body, sentence) => {
    const answer = await ask('', { body })
    expect(answer.status).toBe(400)
    expect(answer.json.error.message).toContain(sentence)
    expect((await ask('/overrides')).json.data).toEqual([])
  })

  test('that is unusual goes in when it is confirmed', async () => {
    const body = { ...opus, usd_per_million: { ...opus.usd_per_million, cache_read: '5' }, confirm: true }
    expect((await ask('', { body })).status).toBe(201)
  })

  test('is listed for a provider, a region class and a day', async () => {
    expect(await effective('claude-opus-5-5', 'region_class=us')).toMatchObject({
      region_percent: 110,
      example: expect.stringContaining('costs $0.462.'),
    })
    expect(await effective('claude-fable-5-2', 'on=2026-11-08')).toBeUndefined()
    expect(await effective('claude-fable-5-2', 'on=2026-11-09')).toMatchObject({
      source: 'shipped',
      id: null,
    })
    await ask('', { body: { ...opus, provider: 'vertex', model: 'claude-opus-9' } })
    expect(await effective('claude-opus-9')).toBeUndefined()
    expect(await effective('claude-opus-9', 'provider=vertex')).toBeDefined()
  })

  test('follows the multiplier of the organisation', async () => {
    await runtime.data.settings.put('organisation', { multiplier: 150 })
    runtime.clock.now += 60_000
    expect(await opusCosts()).toBe(6_000_000_000)
  })

  test('that is said, archived or imported is in the audit log, and so is what was recomputed', async () => {
    const before = (await audit()).length
    const made = await ask('', { body: opus })
    const sheet = (await ask('/sheet')).text
    await ask(`/${made.json['id']}`, { method: 'DELETE' })
    await ask('/sheet', { type: 'text/csv', body: sheet })
    await ask('/recompute', {
      body: { from: '2026-11-20T00:00:00Z', to: '2026-11-21T00:00:00Z', apply: true },
    })
    const since = (await audit()).slice(0, -before || undefined)
    expect(since).toEqual(['price.recompute', 'price.import', 'price.archive', 'price.create'])
  })
})

describe('a sheet', () => {
  const csv = { type: 'text/csv' }

  test('that was exported can be imported', async () => {
    await ask('', { body: opus })
    await ask('', { body: { ...opus, model: 'claude-opus-5', from: '2026-10-01', region_class: 'us' } })
    const sheet = (await ask('/sheet')).text
    expect(sheet.split('\r\n')).toHaveLength(4)
    await opened.database.execute('truncate prices')
    const answer = await ask('/sheet', { ...csv, body: sheet })
    expect(answer.status).toBe(201)
    expect(answer.json.data.map(({ model }) => model).toSorted()).toEqual([
      'claude-opus-5',
      'claude-opus-5-5',
    ])
    expect((await ask('/sheet')).text.split('\r\n').toSorted()).toEqual(sheet.split('\r\n').toSorted())
  })

  test('goes in as a whole or not at all, and says the line', async () => {
    await ask('', { body: opus })
    const sheet = (await ask('/sheet')).text
    const wrong = `${sheet}${sheet.split('\r\n')[1]?.replace('claude-opus-5-5', 'claude-opus-5').replace('3.50', '350')}\r\n`
    await opened.database.execute('truncate prices')
    const answer = await ask('/sheet', { ...csv, body: wrong })
    expect(answer.status).toBe(400)
    expect(answer.json.error.message).toMatch(/^Nothing was imported\.\nline 3: /)
    expect((await ask('/overrides')).json.data).toEqual([])
    expect((await ask('/sheet?confirm=true', { ...csv, body: wrong })).status).toBe(201)
  })
})

describe('the ledger, recomputed', () => {
  const row = rowMaker()
  const write = (...rows: LedgerRow[]) => requestsIn(opened.database).upsert(rows.map(written))
  const day = { from: '2026-11-20T00:00:00Z', to: '2026-11-21T00:00:00Z' }
  const settled = (more: Partial<LedgerRow> = {}) =>
    row({
      status: 'succeeded',
      modelId: 'global.anthropic.claude-opus-5-5',
      regionClass: 'global',
      inputTokens: 1_000_000,
      costNano: 4_000_000_000,
      ...more,
    })
  const costs = async () => {
    const rows = await runtime.data.ledger.find({
      owners: { all: true, teams: [], userId: undefined },
      limit: 100,
    })
    return rows.toReversed().map(({ costNano }) => costNano)
  }

  test('by unchanged prices comes to the same', async () => {
    await write(
      settled(),
      settled({ regionClass: 'us', costNano: 4_400_000_000 }),
      settled({ costNano: 4_000_000_005, feeNano: 5, webSearches: 1 }),
      settled({ provider: 'anthropic', modelId: 'claude-opus-5-5', webSearches: 2, costNano: 4_020_000_000 }),
      settled({ provider: 'vertex', modelId: 'claude-haiku-4-5@20251001', costNano: 1_000_000_000 }),
    )
    const { json } = await ask('/recompute', { body: { ...day, apply: true } })
    expect(json).toMatchObject({ written: 0, next: null })
    expect(json['models']).toMatchObject([
      { model: 'claude-opus-5-5', rows: 4, changed: 0, difference_nano: 0 },
      { model: 'claude-haiku-4-5', rows: 1, changed: 0 },
    ])
  })

  test('shows the difference first, then makes it: once', async () => {
    await write(
      settled(),
      settled({ regionClass: 'us', costNano: 4_400_000_000 }),
      settled({ costNano: null }),
    )
    await ask('', { body: opus })
    expect(await costs()).toEqual([4_000_000_000, 4_400_000_000, null])
    const shown = await ask('/recompute', { body: day })
    const difference = {
      model: 'claude-opus-5-5',
      rows: 3,
      changed: 3,
      were_unpriced: 1,
      kept: 0,
      old_nano: 8_400_000_000,
      new_nano: 10_850_000_000,
      difference_nano: 2_450_000_000,
    }
    expect(shown.json).toEqual({ applied: false, written: 0, models: [difference], next: null })
    expect(await costs()).toEqual([4_000_000_000, 4_400_000_000, null])
    expect((await ask('/recompute', { body: { ...day, apply: true } })).json).toMatchObject({ written: 3 })
    expect(await costs()).toEqual([3_500_000_000, 3_850_000_000, 3_500_000_000])
    expect((await ask('/recompute', { body: { ...day, apply: true } })).json).toMatchObject({ written: 0 })
  })

  test('leaves alone what is under way, was refused, has no price, or was long only in the sum of its calls', async () => {
    const haiku = { modelId: 'global.anthropic.claude-haiku-5-5', inputTokens: 150_000, costNano: 15_000_000 }
    await write(
      settled({ status: 'pending', costNano: 1 }),
      settled({ status: 'refused', costNano: 0 }),
      settled({ modelId: 'global.anthropic.claude-opus-9', costNano: 7 }),
      settled({ ...haiku, attempts: 3 }),
      settled({ ...haiku, attempts: 1 }),
    )
    const { json } = await ask('/recompute', { body: { ...day, apply: true } })
    expect(json).toMatchObject({ written: 1 })
    expect(json['models']).toMatchObject([
      { model: 'claude-opus-9', kept: 1, difference_nano: 0 },
      { model: 'claude-haiku-5-5', rows: 2, kept: 1, changed: 1 },
    ])
    expect(await costs()).toEqual([1, 0, 7, 15_000_000, 75_000_000])
  })

  test('goes by what the database says now: another replica may just have said it', async () => {
    await write(settled())
    await opusCosts() // remembered here
    const other = testRuntime({ data: runtime.data })
    const headers = { 'content-type': 'application/json', authorization: `Bearer ${ADMIN_TOKEN}` }
    const said = await app.request(
      '/admin/prices',
      { method: 'POST', headers, body: JSON.stringify(opus) },
      other,
    )
    expect(said.status).toBe(201)
    expect(await opusCosts()).toBe(4_000_000_000)
    expect(await effective()).toMatchObject({ source: 'admin' })
    expect((await ask('/recompute', { body: day })).json).toMatchObject({
      models: [{ changed: 1, new_nano: 3_500_000_000 }],
    })
  })

  test('is not written while prices cannot be read', async () => {
    await write(settled({ costNano: 1 }))
    runtime.data.prices.live = () =>
      Promise.reject(Object.assign(new Error('away'), { code: 'ECONNREFUSED' }))
    expect((await ask('/recompute', { body: { ...day, apply: true } })).status).toBe(503)
    expect(await costs()).toEqual([1])
  })

  test('a long stretch is gone through in parts', async () => {
    await write(...Array.from({ length: 4_500 }, () => settled()))
    let time = runtime.clock.now
    Object.assign(runtime, { now: () => (time += 6_000) })
    const first = await ask('/recompute', { body: day })
    expect(first.json).toMatchObject({ models: [{ rows: 2_000 }], next: expect.any(String) })
    const second = await ask('/recompute', { body: { ...day, cursor: first.json['next'] } })
    expect(second.json).toMatchObject({ models: [{ rows: 2_000 }] })
    const third = await ask('/recompute', { body: { ...day, cursor: second.json['next'] } })
    expect(third.json).toMatchObject({ models: [{ rows: 500 }], next: null })
  })

  test.each([
    [{ from: day.to, to: day.from }, 'to: Input should be later'],
    [{ from: 'yesterday', to: day.to }, 'from: '],
  ])('%j is refused: %s', async (body, sentence) => {
    const answer = await ask('/recompute', { body })
    expect([answer.status, answer.json.error.message]).toEqual([400, expect.stringContaining(sentence)])
  })

  test('what has no price is shown, with its tokens', async () => {
    const arn = 'arn:aws:bedrock:us-east-1:123456789012:application-inference-profile/abc'
    await write(settled(), settled({ modelId: arn, costNano: null, serviceTier: 'flex', outputTokens: 5 }))
    const { json } = await ask('/unpriced')
    expect(json.data).toMatchObject([{ model_id: arn, requests: 1, tokens: 1_000_005, tier: 'flex' }])
    expect((await ask('/unpriced?to=2026-11-19T00:00:00Z')).json.data).toEqual([])
  })
})

describe("AWS's price list", () => {
  beforeEach(() => {
    list.status = 200
    list.lines = [
      ...modelLines('Claude Opus 5.5', [3, 15, 0.15, 3.75, 6]),
      ...modelLines('Claude Opus 5', [5, 25, 0.5, 6.25, 10]),
      ...modelLines('Claude Opus 5', [5.5, 27.5, 0.55, 6.875, 11], 'Regional CRIS'),
      ...modelLines('Claude Haiku 5.5', [0.2, 1, 0.02, 0.25, 0.4]),
      ...modelLines('Claude Sonnet 5', [0.000002, 0.00001, 0.000001, 0.000003, 0.000004]),
      ...modelLines('Claude Opus 9', [6, 30, 0.6, 7.5, 12]),
    ]
  })

  test('shows what it would change, and changes it when that is wanted', async () => {
    const shown = await ask('/refresh', { body: { apply: false } })
    expect(shown.json).toMatchObject({
      applied: false,
      published: '2026-11-19T18:02:11Z',
      unchanged: 2,
      changes: [
        {
          price: { model: 'claude-opus-5-5', source: 'aws', usd_per_million: { input: '3.00' } },
          before: { input: '4.00', cache_write_1h: '8.00' },
          overridden: false,
        },
        { price: { model: 'claude-opus-9', from: '2026-11-20' }, before: null },
      ],
    })
    expect((shown.json['skipped'] as Shown[]).map(({ model }) => model)).toEqual([
      'claude-haiku-5-5',
      'claude-sonnet-5',
    ])
    expect(await opusCosts()).toBe(4_000_000_000)
    await ask('/refresh', { body: { apply: true } })
    expect(await opusCosts()).toBe(3_000_000_000)
    expect(await ask('/refresh', { body: { apply: true } })).toMatchObject({
      json: { unchanged: 4, changes: [] },
    })
    expect((await ask('/overrides')).json.data).toHaveLength(2)
  })

  test('does not stand above what an admin says', async () => {
    await ask('', { body: opus })
    const { json } = await ask('/refresh', { body: { apply: true } })
    expect(json['changes']).toMatchObject([{ overridden: true }, { overridden: false }])
    expect(await opusCosts()).toBe(3_500_000_000)
  })

  test.each([
    ['answers with an error', () => Object.assign(list, { status: 503 }), 'status 503'],
    ['is empty', () => Object.assign(list, { lines: [] }), '"changes":[]'],
  ])('that %s changes nothing', async (_, wrong, sentence) => {
    wrong()
    const answer = await ask('/refresh', { body: { apply: true } })
    expect(answer.text).toContain(sentence)
    expect((await ask('/overrides')).json.data).toEqual([])
  })

  test('is not needed: without a way out the prices stay as they are', async () => {
    Object.assign(runtime, { egress: pinnedEgress({ loopback: false }) })
    const answer = await ask('/refresh', { body: { apply: false } })
    expect(answer.status).toBe(502)
    expect(answer.json.error.message).toContain('The prices stay as they are.')
    expect(await opusCosts()).toBe(4_000_000_000)
  })
})
